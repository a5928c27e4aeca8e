/** What a member's machine remembers, what it hears, and the names of its roles. */
import type { LeaderEpoch, NodeId, Offset, Uuid } from '@odradek/protocol';
import type { SnapshotId } from '../tree/snapshot.ts';
import type { ElectionState } from './election.ts';
import type { VoterSet } from './voters.ts';

export interface MemberContext {
  readonly nodeId: NodeId;
  readonly incarnation: Uuid;
  readonly voters: VoterSet;
  readonly election: ElectionState;
  /** Answers to the (pre-)votes that are being asked for. */
  readonly granted: readonly NodeId[];
  readonly refused: readonly NodeId[];
  /** It has neither stood, voted nor followed since it was started: there is no leader whose silence would have to be waited for. */
  readonly isNewcomer: boolean;
  /** Since this member follows its leader it has answered: others need not be helped to depose it. */
  readonly hasHeardLeader: boolean;
  /** Where the log stops being the leader's, while it is cut. */
  readonly divergence: Offset | null;
  /** What the leader has in the place of what this member lacks, while it is fetched. */
  readonly snapshotId: SnapshotId | null;
  /** Why it has failed, for people. */
  readonly failure: string | null;
}

export interface MemberInput {
  readonly nodeId: NodeId;
  readonly incarnation: Uuid;
  readonly voters: VoterSet;
  readonly election: ElectionState;
}

export type Candidate = { readonly id: NodeId; readonly incarnation: Uuid };

export type MemberEvent =
  | { readonly type: 'preVote.granted'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  | { readonly type: 'preVote.refused'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  | { readonly type: 'vote.granted'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  | { readonly type: 'vote.refused'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  /** Another's candidacy that deserves this member's vote, as far as the log goes. */
  | { readonly type: 'vote.requested'; readonly epoch: LeaderEpoch; readonly candidate: Candidate }
  /** Some message carried it. */
  | { readonly type: 'epoch.observed'; readonly epoch: LeaderEpoch }
  /** BeginQuorumEpoch, or an answer that names the leader. */
  | { readonly type: 'leader.discovered'; readonly epoch: LeaderEpoch; readonly leaderId: NodeId }
  /** EndQuorumEpoch (`isSuccessor`: this member is the first in its list), or the leader says that it is none. */
  | { readonly type: 'leader.left'; readonly epoch: LeaderEpoch; readonly isSuccessor: boolean }
  /** Its connection is refused, again and again. */
  | { readonly type: 'leader.lost'; readonly epoch: LeaderEpoch }
  /** A majority of the voters, this member among them, knows of none. */
  | { readonly type: 'leader.missing' }
  | { readonly type: 'fetch.succeeded'; readonly epoch: LeaderEpoch }
  | { readonly type: 'divergence.found'; readonly epoch: LeaderEpoch; readonly end: Offset }
  | { readonly type: 'snapshot.required'; readonly epoch: LeaderEpoch; readonly id: SnapshotId }
  /** The first record of this leader's epoch is held by a majority: so is all before it (Raft, section 5.4.2). */
  | { readonly type: 'epochStart.committed'; readonly epoch: LeaderEpoch }
  /** No majority of the voters has asked this leader for so long. */
  | { readonly type: 'majority.lost'; readonly epoch: LeaderEpoch }
  | { readonly type: 'resignation.requested' }
  /** A record of the log says who votes, or is truncated away. */
  | { readonly type: 'voters.changed'; readonly voters: VoterSet }
  | { readonly type: 'log.failed'; readonly reason: string }
  | { readonly type: 'shutdown.requested' };

export type MemberRole =
  | 'unattached'
  | 'prospective'
  | 'candidate'
  | 'leader'
  | 'follower'
  | 'observer'
  /** It led, and has given it up. */
  | 'resigned'
  | 'closed'
  /** Its disk refused. */
  | 'failed';
