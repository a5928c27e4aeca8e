/** The arithmetic of majorities, who may have a vote, and what must be on disk before anybody may rely on it. */
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
  voters.length > 0 &&
  voters.filter((voter) => granted.includes(voter)).length >= majorityOf(voters);

/** So many have refused that no majority is left. */
export const isOutvoted = (refused: readonly NodeId[], voters: readonly NodeId[]): boolean =>
  voters.filter((voter) => refused.includes(voter)).length > voters.length - majorityOf(voters);

/** The offset below which a majority holds everything, given what each voter holds (the leader's own: what it has flushed). */
export function majorityOffset(heldByVoter: readonly Offset[]): Offset {
  const falling = [...heldByVoter].sort((a, b) => b - a);
  return falling[Math.floor(falling.length / 2)]!;
}

/** How much of the log somebody has. */
export interface LogEnd {
  readonly lastEpoch: LeaderEpoch;
  readonly endOffset: Offset;
}

/** The candidate has everything that could have been committed with the help of this member (Raft, section 5.4.1). */
export const isUpToDate = (candidate: LogEnd, own: LogEnd): boolean =>
  candidate.lastEpoch > own.lastEpoch ||
  (candidate.lastEpoch === own.lastEpoch && candidate.endOffset >= own.endOffset);

/** In the candidate's epoch: the vote is free, or went to this very candidate, and nobody leads yet. */
export function mayCastVote(
  election: ElectionState,
  epoch: LeaderEpoch,
  candidate: { readonly id: NodeId; readonly incarnation: Uuid },
): boolean {
  if (epoch !== election.epoch) return epoch > election.epoch;
  if (election.leaderId !== null) return false;
  return (
    election.votedId === null ||
    (election.votedId === candidate.id && election.votedIncarnation === candidate.incarnation)
  );
}
