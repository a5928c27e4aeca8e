/**
 * Ours beside what Apache Kafka's own classes made of the same cases (golden/*.jsonl; golden/make.mjs made them): the hash of keys, what members
 * say of themselves, and who gets what.
 *
 * range and roundrobin are told to the last partition. What the sticky ones give depends on the order of Java's hash tables, so there it is
 * compared by what is promised: everything goes to somebody who wants it, as evenly as Java has it, and no more moves than in Java.
 */
import { readFileSync } from 'node:fs';
import { murmur2, partitionOfKey } from '@odradek/client';
import type { Assignment, Assignor, Member } from '@odradek/client';
import {
  cooperativeStickyAssignor,
  rangeAssignor,
  roundRobinAssignor,
  stickyAssignor,
} from '@odradek/client/groups';
// @ts-expect-error its types leave this out
import murmur2OfKafkajs from 'kafkajs/src/producer/partitioners/default/murmur2.js';
import { describe, expect, it } from 'vitest';
import {
  decodeSubscription,
  encodeSubscription,
} from '../../packages/client/src/consumer/consumer-protocol.ts';
import { findKafka } from '../support/java.ts';
import { askJava } from './java-vectors.ts';

interface HashVector {
  readonly key: string;
  readonly hash: number;
  readonly partitions: number;
  readonly partition: number;
}

interface AssignmentVector {
  readonly assignor: string;
  readonly life: number;
  readonly round: number;
  readonly topics: Readonly<Record<string, number>>;
  readonly members: readonly {
    readonly id: string;
    readonly instance?: string;
    readonly topics: readonly string[];
    /** "t0/1 t0/2", as in the assignment. */
    readonly owned: string;
    readonly generation: number;
    /** The subscription's bytes, in hexadecimal. */
    readonly words: string;
  }[];
  readonly assignment: Readonly<Record<string, string>>;
}

const linesOf = (name: string): readonly string[] =>
  readFileSync(new URL(`golden/${name}.jsonl`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
const parsed = <Vector>(lines: readonly string[]): readonly Vector[] =>
  lines.map((line) => JSON.parse(line) as Vector);

const hashes = parsed<HashVector>(linesOf('murmur2'));
const assignments = parsed<AssignmentVector>(linesOf('assignments'));

/** The members as our group leader sees them: by what they say over the wire. */
const membersOf = (assignor: Assignor, { members }: AssignmentVector): readonly Member[] =>
  members.map(({ id, instance, words }) => {
    const told = decodeSubscription(Buffer.from(words, 'hex'));
    return {
      memberId: id,
      instanceId: instance ?? null,
      topics: told.topics,
      ...assignor.past(told),
    };
  });

const partitionsOf = (text: string): readonly string[] => (text === '' ? [] : text.split(' '));
const javas = ({ assignment }: AssignmentVector): ReadonlyMap<string, readonly string[]> =>
  new Map(Object.entries(assignment).map(([id, text]) => [id, partitionsOf(text)]));
const ours = (
  assignor: Assignor,
  vector: AssignmentVector,
): ReadonlyMap<string, readonly string[]> => {
  const counts = new Map(Object.entries(vector.topics));
  const assignment: Assignment = assignor.assign(counts, membersOf(assignor, vector));
  return shown(assignment);
};
const shown = (assignment: Assignment): ReadonlyMap<string, readonly string[]> =>
  new Map(
    [...assignment].map(([id, list]) => [
      id,
      list.map(({ topic, partition }) => `${topic}/${partition}`),
    ]),
  );

/** Who has what, and may go on with it: a claim of an earlier generation does not count beside a later one, and none of two of the same. */
const ownedIn = ({ members }: AssignmentVector): ReadonlyMap<string, ReadonlySet<string>> => {
  const latest = new Map<string, { id: string | undefined; generation: number }>();
  for (const { id, topics, owned, generation } of members) {
    for (const each of partitionsOf(owned)) {
      if (!topics.includes(each.split('/')[0]!)) continue;
      const other = latest.get(each);
      if (other === undefined || generation > other.generation)
        latest.set(each, { id, generation });
      else if (generation === other.generation) latest.set(each, { id: undefined, generation });
    }
  }
  return new Map(
    members.map(({ id }) => [
      id,
      new Set([...latest].filter(([, it]) => it.id === id).map(([each]) => each)),
    ]),
  );
};
const of = ({ name }: Assignor): readonly AssignmentVector[] =>
  assignments.filter(({ assignor }) => assignor === name);
const told = ({ life, round }: AssignmentVector): string => `life ${life}, round ${round}`;

describe('murmur2', () => {
  it("is Java's and KafkaJS's", () => {
    for (const { key, hash, partitions, partition } of hashes) {
      const bytes = Buffer.from(key, 'hex');
      expect(murmur2(bytes), `of ${key}`).toBe(hash);
      expect(murmur2OfKafkajs(bytes), `of ${key}`).toBe(hash);
      expect(partitionOfKey(bytes, partitions), `of ${key}`).toBe(partition);
    }
  });
});

describe.each([rangeAssignor, roundRobinAssignor])('$name', (assignor) => {
  it('gives as Java does, to the last partition', () => {
    const sorted = (lists: ReadonlyMap<string, readonly string[]>) =>
      Object.fromEntries([...lists].map(([id, list]) => [id, [...list].sort()]));
    for (const vector of of(assignor))
      expect(sorted(ours(assignor, vector)), `in ${told(vector)}`).toEqual(sorted(javas(vector)));
  });
});

/** What is measured of an assignment. */
const measured = (lists: ReadonlyMap<string, readonly string[]>, vector: AssignmentVector) => {
  const owned = ownedIn(vector);
  const all = [...lists].flatMap(([id, list]) => list.map((each) => ({ id, each })));
  return {
    partitions: all.map(({ each }) => each).sort(),
    unwanted: all.filter(
      ({ id, each }) => !vector.members.find((it) => it.id === id)!.topics.includes(topicOf(each)),
    ),
    unevenness: [...lists.values()].reduce((sum, { length }) => sum + length ** 2, 0),
    kept: all.filter(({ id, each }) => owned.get(id)!.has(each)).length,
  };
};
const topicOf = (key: string): string => key.slice(0, key.lastIndexOf('/'));

describe('sticky', () => {
  it('leaves nothing out, is as even as Java, and moves no more at the same evenness', () => {
    for (const vector of of(stickyAssignor)) {
      const mine = measured(ours(stickyAssignor, vector), vector);
      const theirs = measured(javas(vector), vector);
      expect(mine.partitions, `in ${told(vector)}`).toEqual(theirs.partitions);
      expect(mine.unwanted, `in ${told(vector)}`).toEqual([]);
      expect(mine.unevenness, `in ${told(vector)}`).toBeLessThanOrEqual(theirs.unevenness);
      if (mine.unevenness === theirs.unevenness)
        expect(mine.kept, `in ${told(vector)}`).toBeGreaterThanOrEqual(theirs.kept);
    }
  });
});

describe('cooperative-sticky', () => {
  const vectors = of(cooperativeStickyAssignor);
  const claimed = ({ members }: AssignmentVector, key: string, but: string): boolean =>
    members.some(({ id, owned }) => id !== but && partitionsOf(owned).includes(key));

  it('gives nobody what another claims, unless a later generation gave it', () => {
    for (const vector of vectors) {
      const owned = ownedIn(vector);
      for (const [id, list] of ours(cooperativeStickyAssignor, vector)) {
        const early = list.filter((key) => claimed(vector, key, id) && !owned.get(id)!.has(key));
        expect(early, `in ${told(vector)}`).toEqual([]);
      }
    }
  });

  it('leaves out what another claims, and nothing else', () => {
    for (const vector of vectors) {
      const target = stickyTarget(vector);
      for (const [id, list] of ours(cooperativeStickyAssignor, vector)) {
        const wanted = target.get(id)!;
        expect(
          list.filter((each) => !wanted.includes(each)),
          `in ${told(vector)}`,
        ).toEqual([]);
        const withheld = wanted.filter((each) => !list.includes(each));
        expect(
          withheld.filter((each) => !claimed(vector, each, id)),
          `in ${told(vector)}`,
        ).toEqual([]);
      }
    }
  });

  it("goes where the eager one goes: as even as Java's, with no more moves", () => {
    for (const vector of vectors) {
      const mine = measured(stickyTarget(vector), vector);
      const theirs = measured(javas(vector), vector);
      // Java's is known when it has withheld nothing.
      if (theirs.partitions.length < mine.partitions.length) continue;
      expect(mine.partitions, `in ${told(vector)}`).toEqual(theirs.partitions);
      expect(mine.unevenness, `in ${told(vector)}`).toBeLessThanOrEqual(theirs.unevenness);
      if (mine.unevenness === theirs.unevenness)
        expect(mine.kept, `in ${told(vector)}`).toBeGreaterThanOrEqual(theirs.kept);
    }
  });

  /** What it is to come to, when all have given up what they are to give up. */
  const stickyTarget = (vector: AssignmentVector): ReadonlyMap<string, readonly string[]> =>
    shown(
      stickyAssignor.assign(
        new Map(Object.entries(vector.topics)),
        membersOf(cooperativeStickyAssignor, vector),
      ),
    );
});

describe('what members say', () => {
  it("is Java's to the byte", () => {
    for (const vector of assignments) {
      for (const { topics, owned, generation, words } of vector.members) {
        const { userData, ...rest } = decodeSubscription(Buffer.from(words, 'hex'));
        const assignor = [stickyAssignor, cooperativeStickyAssignor].find(
          ({ name }) => name === vector.assignor,
        );
        const past = assignor?.past({ ...rest, userData });
        expect(rest.topics).toEqual(topics);
        if (past !== undefined)
          expect({
            owned: past.owned
              .map(({ topic, partition }) => `${topic}/${partition}`)
              .sort(byPartition),
            generation: past.generation,
          }).toEqual({ owned: partitionsOf(owned), generation });
        // A Java member without a past says nothing; ours says that it has none.
        if (assignor === stickyAssignor && userData === null) continue;
        expect(
          Buffer.from(
            encodeSubscription({
              ...rest,
              userData: assignor?.userData(past!.owned, generation) ?? null,
            }),
          ).toString('hex'),
        ).toBe(words);
      }
    }
  });
});

const byPartition = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

const kafka = await findKafka();
const java = kafka && (await askJava(kafka));
if (java !== undefined) {
  it('Apache Kafka says today what the golden files say', () => {
    expect(java).toEqual([...linesOf('murmur2'), ...linesOf('assignments')]);
  });
}
