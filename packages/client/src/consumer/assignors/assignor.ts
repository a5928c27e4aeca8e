/**
 * Who gets which partitions. The group's leader (one of the members) runs the assignor that all members know; its name and what members tell of
 * themselves are Kafka's, so that members written with other clients can be in the same group.
 */
import { compareText } from '../topic-partition.ts';
import type { TopicPartition } from '../topic-partition.ts';

export interface Member {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly topics: readonly string[];
  /** What it has from before, as far as it tells. */
  readonly owned: readonly TopicPartition[];
  /** In which generation it got that; -1 when it does not tell. */
  readonly generation: number;
}

/** By member id. Every member has an entry. */
export type Assignment = Map<string, TopicPartition[]>;

export interface Assignor {
  /** Members agree on one by this name. */
  readonly name: string;
  /** Eager members give everything back before they join; cooperative ones keep it, and give back what is to move (KIP-429). */
  readonly isCooperative: boolean;
  /** What this assignor wants to hear from members beyond their subscription. */
  readonly userData: (owned: readonly TopicPartition[], generation: number) => Uint8Array | null;
  /** What a member tells of its past: taken from user data where the assignor keeps it there. */
  readonly past: (told: ToldPast) => Pick<Member, 'owned' | 'generation'>;
  readonly assign: (
    partitionCounts: ReadonlyMap<string, number>,
    members: readonly Member[],
  ) => Assignment;
  /** For assignors that keep to an encoding of their own: what stands above is then not asked. */
  readonly encoded?: EncodedAssignor;
}

export interface EncodedAssignor {
  readonly subscription: (topics: readonly string[]) => Uint8Array;
  /** `topics` are those of the member that leads. Members that are left out get nothing. */
  readonly assign: (
    members: readonly { readonly memberId: string; readonly metadata: Uint8Array }[],
    topics: readonly string[],
    partitionCounts: ReadonlyMap<string, number>,
  ) => Promise<readonly { readonly memberId: string; readonly assignment: Uint8Array }[]>;
}

export interface ToldPast {
  readonly owned: readonly TopicPartition[];
  readonly generation: number;
  readonly userData: Uint8Array | null;
}

/** Java's order: static members by their instance id before dynamic ones by their member id. */
export function compareMembers(a: Member, b: Member): number {
  if (a.instanceId !== null && b.instanceId !== null)
    return compareText(a.instanceId, b.instanceId);
  if (a.instanceId !== null) return -1;
  if (b.instanceId !== null) return 1;
  return compareText(a.memberId, b.memberId);
}

export const noAssignment = (members: readonly Member[]): Assignment =>
  new Map(members.map(({ memberId }) => [memberId, []]));

export const nothingToTell = {
  userData: () => null,
  past: ({ owned, generation }: ToldPast) => ({ owned, generation }),
};
