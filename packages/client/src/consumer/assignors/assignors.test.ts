import fc from 'fast-check';
import { createRequire } from 'node:module';
import { describe, expect, it, vi } from 'vitest';
import { AssignerProtocol, PartitionAssigners } from 'kafkajs';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../consumer-protocol.ts';
import { keyOf } from '../topic-partition.ts';
import type { TopicPartition } from '../topic-partition.ts';
import type { Assignment, Assignor, Member } from './assignor.ts';
import { rangeAssignor } from './range.ts';
import { roundRobinAssignor } from './round-robin.ts';
import { cooperativeStickyAssignor, stickyAssignor } from './sticky.ts';

// They compute: a machine that is busy with more takes its time.
vi.setConfig({ testTimeout: 30_000 });

const member = (
  memberId: string,
  topics: readonly string[],
  past: Partial<Member> = {},
): Member => ({
  memberId,
  instanceId: null,
  topics,
  owned: [],
  generation: -1,
  ...past,
});
const shown = (assignment: Assignment): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...assignment].map(([id, partitions]) => [
      id,
      partitions.map(keyOf).join(' ').replaceAll('/', ''),
    ]),
  );
const counts = (of: Readonly<Record<string, number>>): ReadonlyMap<string, number> =>
  new Map(Object.entries(of));

describe('range', () => {
  // The cases of Java's own RangeAssignorTest.
  it.each([
    ['one member, one topic', { t: 3 }, { a: ['t'] }, { a: 't0 t1 t2' }],
    ['nobody wants it', { t: 3 }, { a: [] }, { a: '' }],
    [
      'two members, two topics',
      { t: 3, u: 3 },
      { a: ['t', 'u'], b: ['t', 'u'] },
      { a: 't0 t1 u0 u1', b: 't2 u2' },
    ],
    [
      'different subscriptions',
      { t: 3, u: 2 },
      { a: ['t'], b: ['t', 'u'], c: ['t'] },
      { a: 't0', b: 't1 u0 u1', c: 't2' },
    ],
    ['more members than partitions', { t: 1 }, { a: ['t'], b: ['t'] }, { a: 't0', b: '' }],
  ])('%s', (_, topics, members, expected) => {
    const told = Object.entries(members).map(([id, wanted]) => member(id, wanted));
    expect(shown(rangeAssignor.assign(counts(topics), told.reverse()))).toEqual(expected);
  });

  it('goes by instance ids, so that static members keep their places', () => {
    const told = [
      member('x', ['t'], { instanceId: 'second' }),
      member('y', ['t'], { instanceId: 'first' }),
      member('a', ['t']),
    ];
    expect(shown(rangeAssignor.assign(counts({ t: 3 }), told))).toEqual({
      y: 't0',
      x: 't1',
      a: 't2',
    });
  });
});

describe('roundrobin', () => {
  it.each([
    [
      'two members, two topics',
      { t: 3, u: 3 },
      { a: ['t', 'u'], b: ['t', 'u'] },
      { a: 't0 t2 u1', b: 't1 u0 u2' },
    ],
    [
      'different subscriptions',
      { t: 3, u: 2 },
      { a: ['t'], b: ['t', 'u'], c: ['t'] },
      { a: 't0', b: 't1 u0 u1', c: 't2' },
    ],
  ])('%s', (_, topics, members, expected) => {
    const told = Object.entries(members).map(([id, wanted]) => member(id, wanted));
    expect(shown(roundRobinAssignor.assign(counts(topics), told))).toEqual(expected);
  });

  it("agrees with KafkaJS's when all want the same single topic", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        async (ids, partitions) => {
          const assigner = PartitionAssigners.roundRobin({
            cluster: {
              findTopicPartitionMetadata: () =>
                Array.from({ length: partitions }, (_, partitionId) => ({ partitionId })),
            },
          } as never);
          const theirs = await assigner.assign({
            members: ids.map((memberId) => ({ memberId, memberMetadata: Buffer.alloc(0) })),
            topics: ['t'],
          } as never);
          const ours = roundRobinAssignor.assign(
            counts({ t: partitions }),
            ids.map((id) => member(id, ['t'])),
          );
          for (const { memberId, memberAssignment } of theirs) {
            const decoded = AssignerProtocol.MemberAssignment.decode(memberAssignment)!;
            expect(ours.get(memberId)!.map(({ partition }) => partition)).toEqual(
              decoded.assignment['t'] ?? [],
            );
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

/** A group's life: who comes, who goes, what they want. Sticky members tell what they had. */
const world = fc.record({
  topics: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
  rounds: fc.array(
    fc.uniqueArray(
      fc.record({ id: fc.integer({ min: 0, max: 7 }), wants: fc.integer({ min: 1, max: 15 }) }),
      {
        minLength: 1,
        maxLength: 6,
        selector: ({ id }) => id,
      },
    ),
    { minLength: 1, maxLength: 5 },
  ),
});

const topicsOf = (wants: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `t${index}`).filter(
    (_, index) => (wants >> index) & 1,
  );

function checkComplete(
  assignment: Assignment,
  members: readonly Member[],
  topics: ReadonlyMap<string, number>,
): void {
  const seen = new Map<string, string>();
  for (const [id, partitions] of assignment) {
    const wanted = members.find(({ memberId }) => memberId === id)!.topics;
    for (const each of partitions) {
      expect(wanted).toContain(each.topic);
      expect(seen.has(keyOf(each))).toBe(false);
      seen.set(keyOf(each), id);
    }
  }
  for (const [topic, count] of topics)
    if (members.some((each) => each.topics.includes(topic)))
      for (let partition = 0; partition < count; partition += 1)
        expect(seen.has(keyOf({ topic, partition }))).toBe(true);
}

function checkBalanced(assignment: Assignment, members: readonly Member[]): void {
  for (const from of members)
    for (const to of members) {
      if (assignment.get(from.memberId)!.length < assignment.get(to.memberId)!.length + 2) continue;
      const movable = assignment
        .get(from.memberId)!
        .filter(({ topic }) => to.topics.includes(topic));
      expect(movable).toEqual([]);
    }
}

describe('sticky', () => {
  it('is complete and even, whoever comes and goes', () => {
    fc.assert(
      fc.property(world, ({ topics: sizes, rounds }) => {
        const topics = new Map(sizes.map((count, index) => [`t${index}`, count]));
        let owned: Assignment = new Map();
        for (const [generation, present] of rounds.entries()) {
          const members = present.map(({ id, wants }) =>
            member(`m${id}`, topicsOf(wants, sizes.length), {
              owned: owned.get(`m${id}`) ?? [],
              generation,
            }),
          );
          owned = stickyAssignor.assign(topics, members);
          checkComplete(owned, members, topics);
          checkBalanced(owned, members);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('moves nothing when nothing changes, and no more than it must when somebody comes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 8 }),
        (partitions, size) => {
          const topics = counts({ t: partitions });
          const ids = Array.from({ length: size }, (_, index) => `m${index}`);
          const first = stickyAssignor.assign(
            topics,
            ids.map((id) => member(id, ['t'])),
          );
          const past = (id: string): Member =>
            member(id, ['t'], { owned: first.get(id)!, generation: 1 });
          expect(stickyAssignor.assign(topics, ids.map(past))).toEqual(first);
          const grown = stickyAssignor.assign(topics, [...ids.map(past), member('new', ['t'])]);
          const kept = ids.flatMap((id) =>
            grown
              .get(id)!
              .filter((each) => first.get(id)!.some((old) => keyOf(old) === keyOf(each))),
          );
          // Whoever comes gets its share; everything else stays.
          expect(kept.length).toBe(partitions - grown.get('new')!.length);
          expect(grown.get('new')!.length).toBe(Math.floor(partitions / (size + 1)));
        },
      ),
    );
  });

  it('believes the later of two claims, and none of two of the same generation', () => {
    const t0 = { topic: 't', partition: 0 };
    const [a, b] = [
      member('a', ['t'], { owned: [t0], generation: 1 }),
      member('b', ['t'], { owned: [t0], generation: 2 }),
    ];
    expect(shown(stickyAssignor.assign(counts({ t: 1 }), [a, b]))).toEqual({ a: '', b: 't0' });
    const c = { ...a, memberId: 'c', generation: 2 };
    expect(shown(stickyAssignor.assign(counts({ t: 1 }), [b, c]))).toEqual({ b: 't0', c: '' });
  });

  it('is even by chains where no single move helps', () => {
    // Only b can take from a, and only c from b.
    const told = [
      member('a', ['t'], { owned: [0, 1, 2].map((partition) => ({ topic: 't', partition })) }),
      member('b', ['t', 'u'], { owned: [0, 1].map((partition) => ({ topic: 'u', partition })) }),
      member('c', ['u']),
    ].map((each) => ({ ...each, generation: each.owned.length === 0 ? -1 : 1 }));
    const next = stickyAssignor.assign(counts({ t: 3, u: 2 }), told);
    expect([...next.values()].map(({ length }) => length).sort()).toEqual([1, 2, 2]);
    const [a, b] = [next.get('a')!, next.get('b')!];
    expect(a.every(({ topic }) => topic === 't')).toBe(true);
    expect(a.length + b.filter(({ topic }) => topic === 't').length).toBe(3);
  });

  it("reads what it has told, and takes others' words for nothing", () => {
    const owned = [{ topic: 't', partition: 3 }];
    const userData = stickyAssignor.userData(owned, 7);
    expect(stickyAssignor.past({ owned: [], generation: -1, userData })).toEqual({
      owned,
      generation: 7,
    });
    const strange = new Uint8Array([1, 2]);
    expect(stickyAssignor.past({ owned: [], generation: -1, userData: strange }).owned).toEqual([]);
  });
});

describe('cooperative-sticky', () => {
  it('never gives a partition to one while another has it, and gets there soon', () => {
    fc.assert(
      fc.property(world, ({ topics: sizes, rounds }) => {
        const topics = new Map(sizes.map((count, index) => [`t${index}`, count]));
        let owned: Assignment = new Map();
        let generation = 0;
        for (const present of rounds) {
          const join = (): readonly Member[] =>
            present.map(({ id, wants }) =>
              member(`m${id}`, topicsOf(wants, sizes.length), {
                owned: owned.get(`m${id}`) ?? [],
                generation,
              }),
            );
          for (let rebalance = 0; rebalance < 4; rebalance += 1) {
            const members = join();
            const before = new Map(
              members.flatMap((each) => each.owned.map((one) => [keyOf(one), each.memberId])),
            );
            const next = cooperativeStickyAssignor.assign(topics, members);
            for (const [id, partitions] of next)
              for (const each of partitions) expect(before.get(keyOf(each)) ?? id).toBe(id);
            owned = next;
            generation += 1;
          }
          checkComplete(owned, join(), topics);
          checkBalanced(owned, join());
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('cooperative-sticky, when two claim the same', () => {
  const t0 = { topic: 't', partition: 0 };
  const claims = (id: string, generation: number): Member =>
    member(id, ['t'], { owned: [t0], generation });

  it('gives it to nobody before both have given it up', () => {
    const told = [claims('a', 3), claims('b', 3), member('c', ['t'])];
    expect(shown(cooperativeStickyAssignor.assign(counts({ t: 1 }), told))).toEqual({
      a: '',
      b: '',
      c: '',
    });
  });

  it('leaves it to whom the later generation gave it', () => {
    const told = [claims('a', 3), claims('b', 4)];
    expect(shown(cooperativeStickyAssignor.assign(counts({ t: 1 }), told))).toEqual({
      a: '',
      b: 't0',
    });
  });

  it('gives it to no third while one that was long away still claims it', () => {
    const had = [t0, { topic: 't', partition: 1 }];
    const told = [
      claims('away', 2),
      member('b', ['t'], { owned: had, generation: 5 }),
      member('c', ['t']),
    ];
    const next = cooperativeStickyAssignor.assign(counts({ t: 2 }), told);
    expect(next.get('away')).toEqual([]);
    expect(next.get('c')).toEqual([]);
  });
});

describe("a member's words", () => {
  const owned: readonly TopicPartition[] = [
    { topic: 'a', partition: 1 },
    { topic: 'a', partition: 2 },
    { topic: 'b', partition: 0 },
  ];

  it('come back as they were told', () => {
    const told = {
      topics: ['a', 'b'],
      userData: new Uint8Array([1, 2]),
      owned,
      generation: 4,
      rackId: null,
    };
    expect(decodeSubscription(encodeSubscription(told))).toEqual(told);
    expect(decodeAssignment(encodeAssignment(owned))).toEqual(owned);
    expect(decodeAssignment(new Uint8Array(0))).toEqual([]);
  });

  it("are KafkaJS's, both ways", () => {
    const { MemberMetadata, MemberAssignment } = AssignerProtocol;
    const theirs = MemberMetadata.encode({ version: 1, topics: ['a'], userData: Buffer.from('x') });
    expect(decodeSubscription(theirs.subarray(0)).topics).toEqual(['a']);
    const ours = encodeSubscription({
      topics: ['a', 'b'],
      userData: null,
      owned: [],
      generation: -1,
      rackId: null,
    });
    expect(MemberMetadata.decode(Buffer.from(ours))?.topics).toEqual(['a', 'b']);
    expect(MemberAssignment.decode(Buffer.from(encodeAssignment(owned)))?.assignment).toEqual({
      a: [1, 2],
      b: [0],
    });
    const assignment = MemberAssignment.encode({
      version: 1,
      assignment: { a: [5] },
      userData: Buffer.alloc(0),
    });
    expect(decodeAssignment(assignment)).toEqual([{ topic: 'a', partition: 5 }]);
  });
});

describe('all of them', () => {
  it("hash keys as KafkaJS's Java-compatible partitioner does", async () => {
    const { partitionOfKey } = await import('../../producer/murmur2.ts');
    const theirs = createRequire(import.meta.url)(
      'kafkajs/src/producer/partitioners/default/murmur2',
    ) as (key: Buffer) => number;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (key) => {
        expect(partitionOfKey(key, 1 << 20)).toBe(
          (theirs(Buffer.from(key)) & 0x7fffffff) % (1 << 20),
        );
      }),
    );
  });

  it.each([rangeAssignor, roundRobinAssignor, stickyAssignor] as readonly Assignor[])(
    '$name: everything goes to somebody',
    (assignor) => {
      fc.assert(
        fc.property(world, ({ topics: sizes, rounds }) => {
          const topics = new Map(sizes.map((count, index) => [`t${index}`, count]));
          const members = rounds[0]!.map(({ id, wants }) =>
            member(`m${id}`, topicsOf(wants, sizes.length)),
          );
          checkComplete(assignor.assign(topics, members), members, topics);
        }),
      );
    },
  );
});
