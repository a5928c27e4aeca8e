/**
 * As even as can be, and moving as little as that allows (KIP-54). `sticky` is for eager groups: members tell what they had in user data, as
 * Java's do. `cooperative-sticky` is for cooperative ones (KIP-429): what is to move is left out of this assignment, given back by its owner, and
 * assigned in the rebalance that follows.
 *
 * Even means: whenever a member has two partitions more than another, none of them could be the other's.
 */
import { decode, encode } from '@odradek/protocol';
import { array, int32, message, string } from '@odradek/protocol/schema';
import { comparePartitions, groupByTopic, keyOf, partitionKey } from '../topic-partition.ts';
import type { TopicPartition } from '../topic-partition.ts';
import { compareMembers, noAssignment } from './assignor.ts';
import type { Assignment, Assignor, Member } from './assignor.ts';
import { evenOut } from './evenness.ts';

/** StickyAssignor's user data; version 0 ends before the generation. */
const stickyUserData = /*@__PURE__*/ message(
  { name: 'StickyAssignorUserData', versions: [0, 1] },
  () => ({
    previousAssignment: array({ topic: string(), partitions: array(int32()) }),
    generation: int32({ since: 1, default: -1 }),
  }),
);

const cooperativeUserData = /*@__PURE__*/ message(
  { name: 'CooperativeStickyAssignorUserData', versions: [0, 0] },
  () => ({ generation: int32() }),
);

export const stickyAssignor: Assignor = {
  name: 'sticky',
  isCooperative: false,
  userData: (owned, generation) =>
    joined(
      encode(stickyUserData, 1, {
        previousAssignment: [...groupByTopic(owned)].map(([topic, partitions]) => ({
          topic,
          partitions,
        })),
        generation,
      }),
    ),
  past({ userData }) {
    for (const version of [1, 0]) {
      try {
        const told = decode(stickyUserData, version, userData ?? new Uint8Array(0));
        return {
          owned: told.previousAssignment.flatMap(({ topic, partitions }) =>
            partitions.map((partition) => ({ topic, partition })),
          ),
          generation: told.generation,
        };
      } catch {
        // Another version, or another client's own: it is a member without a past then.
      }
    }
    return { owned: [], generation: -1 };
  },
  assign: assignSticky,
};

export const cooperativeStickyAssignor: Assignor = {
  name: 'cooperative-sticky',
  isCooperative: true,
  userData: (_, generation) => joined(encode(cooperativeUserData, 0, { generation })),
  past({ owned, generation, userData }) {
    if (generation >= 0 || userData === null) return { owned, generation };
    try {
      return { owned, generation: decode(cooperativeUserData, 0, userData).generation };
    } catch {
      return { owned, generation };
    }
  },
  assign(partitionCounts, members) {
    const target = assignSticky(partitionCounts, members);
    const owners = ownersOf(partitionCounts, members, true);
    const claimants = claimantsOf(members);
    for (const [memberId, partitions] of target) {
      // Of two that claim the same, neither may have it before the other has given it up, nor may a third.
      const isFree = (key: string): boolean =>
        owners.get(key) === memberId ||
        [...(claimants.get(key) ?? [])].every((it) => it === memberId);
      target.set(
        memberId,
        partitions.filter((each) => isFree(keyOf(each))),
      );
    }
    return target;
  },
};

/** Who says of what that it has it. */
function claimantsOf(members: readonly Member[]): ReadonlyMap<string, ReadonlySet<string>> {
  const claimants = new Map<string, Set<string>>();
  for (const { memberId, owned } of members) {
    for (const each of owned) {
      const others = claimants.get(keyOf(each));
      if (others === undefined) claimants.set(keyOf(each), new Set([memberId]));
      else others.add(memberId);
    }
  }
  return claimants;
}

/** Who has what now. Of two claims the one of the later generation counts; of the same generation none does. */
function ownersOf(
  partitionCounts: ReadonlyMap<string, number>,
  members: readonly Member[],
  withUnsubscribed: boolean,
): Map<string, string> {
  const claims = new Map<string, { readonly owner: string | undefined; readonly at: number }>();
  for (const { memberId, topics, owned, generation } of members) {
    for (const { topic, partition } of owned) {
      if (partition >= (partitionCounts.get(topic) ?? 0)) continue;
      if (!withUnsubscribed && !topics.includes(topic)) continue;
      const key = partitionKey(topic, partition);
      const other = claims.get(key);
      if (other === undefined || generation > other.at)
        claims.set(key, { owner: memberId, at: generation });
      else if (generation === other.at && other.owner !== memberId)
        claims.set(key, { owner: undefined, at: generation });
    }
  }
  return new Map(
    [...claims].flatMap(([key, { owner }]) => (owner === undefined ? [] : [[key, owner] as const])),
  );
}

function assignSticky(
  partitionCounts: ReadonlyMap<string, number>,
  members: readonly Member[],
): Assignment {
  const assignment = noAssignment(members);
  const sorted = [...members].sort(compareMembers);
  const wantedBy = new Map(
    [...partitionCounts.keys()].map((topic) => [
      topic,
      sorted.filter(({ topics }) => topics.includes(topic)).map(({ memberId }) => memberId),
    ]),
  );
  const owners = ownersOf(partitionCounts, members, false);
  const homeless: TopicPartition[] = [];
  for (const [topic, count] of partitionCounts) {
    if (wantedBy.get(topic)!.length === 0) continue;
    for (let partition = 0; partition < count; partition += 1) {
      const owner = owners.get(partitionKey(topic, partition));
      if (owner === undefined) homeless.push({ topic, partition });
      else assignment.get(owner)?.push({ topic, partition });
    }
  }
  const load = (memberId: string): number => assignment.get(memberId)!.length;
  // Those whom few want first: they have the least choice.
  homeless.sort(
    (a, b) =>
      wantedBy.get(a.topic)!.length - wantedBy.get(b.topic)!.length || comparePartitions(a, b),
  );
  for (const partition of homeless)
    assignment.get(leastLoaded(wantedBy.get(partition.topic)!, load))!.push(partition);
  evenOut(assignment, { wantedBy, owners });
  for (const partitions of assignment.values()) partitions.sort(comparePartitions);
  return assignment;
}

const leastLoaded = (candidates: readonly string[], load: (memberId: string) => number): string =>
  candidates.reduce((best, each) => (load(each) < load(best) ? each : best));

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(chunks.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
