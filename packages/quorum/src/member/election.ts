/** The arithmetic of majorities, and what must be on disk before anybody may rely on a vote. */
import type { LeaderEpoch, NodeId, Offset, Uuid } from '@odradek/protocol';

/** KRaft's QuorumStateData: the epoch that was reached, and to whom this member's vote in it went. */
export interface ElectionState {
  readonly epoch: LeaderEpoch;
  readonly leaderId: NodeId | null;
  readonly votedId: NodeId | null;
  /** The incarnation of the candidate's storage: a vote for a node whose disk was since replaced is another's vote. */
  readonly votedIncarnation: Uuid | null;
}

export const majorityOf = (voters: readonly NodeId[]): number => Math.floor(voters.length / 2) + 1;

/** Voters beyond the set do not count. */
export const holdsMajority = (granted: readonly NodeId[], voters: readonly NodeId[]): boolean =>
  voters.filter((voter) => granted.includes(voter)).length >= majorityOf(voters);

/** So many have refused that no majority is left. */
export const isOutvoted = (refused: readonly NodeId[], voters: readonly NodeId[]): boolean =>
  voters.filter((voter) => refused.includes(voter)).length > voters.length - majorityOf(voters);

/** The offset below which a majority holds everything, given what each voter holds (the leader's own: what it has flushed). */
export function majorityOffset(heldByVoter: readonly Offset[]): Offset {
  const falling = [...heldByVoter].sort((a, b) => b - a);
  return falling[Math.floor(falling.length / 2)]!;
}
