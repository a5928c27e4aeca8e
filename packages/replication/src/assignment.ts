import type { LeaderEpoch, NodeId } from '@odradek/protocol';

/** No broker: a partition without a leader. */
export const NO_LEADER = -1 as NodeId;

/**
 * What the controller decided for one partition, as the metadata log tells it. Plain and JSON-safe: it lives in machine
 * contexts. What is mostly empty is left out, because a cluster holds many of these.
 */
export interface PartitionAssignment {
  readonly replicas: readonly NodeId[];
  readonly isr: readonly NodeId[];
  /** -1 while no replica may lead. */
  readonly leader: NodeId;
  readonly leaderEpoch: LeaderEpoch;
  /** Counts every change of the partition's registration, those of the ISR included (KIP-497). */
  readonly partitionEpoch: number;
  /** Of a reassignment under way (KIP-455): replicas that are to stay, or to go, once the new ones are in sync. */
  readonly addingReplicas?: readonly NodeId[];
  readonly removingReplicas?: readonly NodeId[];
  /**
   * Eligible leader replicas (KIP-966): they left the ISR when it was too small for the high watermark to move, so that they
   * hold all that is committed.
   */
  readonly elr?: readonly NodeId[];
  /** The last of the ISR, kept while there is neither a leader nor anybody who is sure to hold everything. */
  readonly lastKnownLeader?: NodeId;
  /** Those who lost their tails while too few were in sync (KIP-966): they may hold what nobody else does. */
  readonly lastKnownElr?: readonly NodeId[];
  /** Replicas whose log has failed, or is damaged, in the present life of their broker (KIP-858's lost directory). */
  readonly offline?: readonly NodeId[];
  /** The leader was elected uncleanly and has not yet said that it has recovered (KIP-704). */
  readonly isRecovering?: true;
}

const NO_NODES: readonly NodeId[] = [];

export const addingOf = (assignment: PartitionAssignment): readonly NodeId[] =>
  assignment.addingReplicas ?? NO_NODES;
export const removingOf = (assignment: PartitionAssignment): readonly NodeId[] =>
  assignment.removingReplicas ?? NO_NODES;
export const elrOf = (assignment: PartitionAssignment): readonly NodeId[] =>
  assignment.elr ?? NO_NODES;

export const lastKnownElrOf = (assignment: PartitionAssignment): readonly NodeId[] =>
  assignment.lastKnownElr ?? NO_NODES;
export const offlineOf = (assignment: PartitionAssignment): readonly NodeId[] =>
  assignment.offline ?? NO_NODES;

/** Newer knowledge wins; what was overtaken is dropped, whatever order it came in. */
export const isNewerAssignment = (
  known: PartitionAssignment | null,
  next: PartitionAssignment,
): boolean =>
  known === null ||
  next.leaderEpoch > known.leaderEpoch ||
  (next.leaderEpoch === known.leaderEpoch && next.partitionEpoch > known.partitionEpoch);

/**
 * How many in-sync replicas let the high watermark move: `min.insync.replicas`, of which a partition cannot have more than
 * it has replicas. Below it the mark stands still, so that whoever left the ISR meanwhile still holds all that is committed.
 */
export const effectiveMinIsr = (minInsyncReplicas: number, replicaCount: number): number =>
  Math.max(1, Math.min(minInsyncReplicas, replicaCount));
