/** What a member is given, and what it tells of itself. */
import type { Clock, Crc32c, Logger, Probe, Random, Volume } from '@odradek/ports';
import type { LeaderEpoch, NodeId, Offset, Uuid } from '@odradek/protocol';
import type { QuorumLimits } from '../limits.ts';
import type { Session } from '../tree/node.ts';
import type { TreeError } from '../tree/operation.ts';
import type { QuorumPeers } from './peers.ts';
import type { Outcome } from './proposals.ts';
import type { MemberRole } from './quorum-member.events.ts';
import type { QuorumLog } from './quorum-log.ts';
import type { ReplicaDescription } from './replica-progress.ts';

export const METADATA_TOPIC = '__cluster_metadata';
export const METADATA_FOLDER = `${METADATA_TOPIC}-0`;

export interface QuorumMemberOptions {
  readonly nodeId: NodeId;
  /**
   * Ids of all voters as configured, an odd number. They count until the log says who votes, and name those whom a member asks
   * for the leader. This node alone: it needs nobody.
   */
  readonly voters: readonly NodeId[];
  /** Of this node's storage: another one when the storage came back empty. */
  readonly incarnation: Uuid;
  readonly volume: Volume;
  /** Opened and recovered; closed by its owner, after the member. */
  readonly log: QuorumLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly crc32c: Crc32c;
  /** The way to the others; a node that is configured alone has none to talk to. */
  readonly peers?: QuorumPeers;
  /** Asked for each request; null: not known yet, and any cluster's requests are answered. */
  readonly clusterId?: () => string | null;
  /** Where `quorum-state` and the snapshots are: the log's own. */
  readonly folder?: string;
  readonly limits?: QuorumLimits;
  readonly snapshotIntervalBytes?: number;
  /** controller.quorum.election.timeout.ms: the least that a voter waits; at most twice as long. */
  readonly electionTimeoutMs?: number;
  /** controller.quorum.fetch.timeout.ms: how long a leader may be silent. */
  readonly fetchTimeoutMs?: number;
  /** Of one request to another member. */
  readonly requestTimeoutMs?: number;
  /** Configured voters that follow well are made voters (again) by the leader. */
  readonly autoJoin?: boolean;
  /** Whether a configured node that is not among the voters is made one; false for one that was taken out on purpose. */
  readonly mayJoin?: (id: NodeId) => boolean;
  /** For simulations alone. */
  readonly probe?: Probe | undefined;
}

export interface MemberSnapshot {
  readonly role: MemberRole;
  readonly epoch: LeaderEpoch;
  readonly leaderId: NodeId | null;
  readonly highWatermark: Offset;
  readonly logEndOffset: Offset;
  /** The first offset that is not in `tree`. */
  readonly appliedOffset: Offset;
  /** Ids. Empty: this member does not know them yet. */
  readonly voters: readonly NodeId[];
  /** Why the member has failed. */
  readonly failure: Error | null;
}

/** What a leader can tell of its ensemble, for DescribeQuorum. */
export interface QuorumDescription {
  readonly leaderId: NodeId;
  readonly epoch: LeaderEpoch;
  readonly highWatermark: Offset;
  readonly voters: readonly ReplicaDescription[];
  readonly observers: readonly ReplicaDescription[];
}

export interface NotLeader {
  readonly status: 'notLeader';
  readonly leaderId: NodeId | null;
}

/**
 * Rejects with QuorumError where the answer is not known ('storage', 'interrupted'): the change may be found after a restart.
 */
export type Proposal = Outcome | NotLeader;

export type SessionOpened =
  | { readonly status: 'committed'; readonly offset: Offset; readonly session: Session }
  | { readonly status: 'refused'; readonly error: TreeError }
  | NotLeader;
