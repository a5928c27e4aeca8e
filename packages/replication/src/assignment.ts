import type { LeaderEpoch, NodeId } from '@odradek/protocol';

/** What the controller decided for one partition, as the metadata log tells it. Plain and JSON-safe: it lives in machine contexts. */
export interface PartitionAssignment {
  readonly replicas: readonly NodeId[];
  readonly isr: readonly NodeId[];
  /** -1 while no replica may lead. */
  readonly leader: NodeId;
  readonly leaderEpoch: LeaderEpoch;
  /** Counts every change of the partition's registration, those of the ISR included (KIP-497). */
  readonly partitionEpoch: number;
}

/** Newer knowledge wins; what was overtaken is dropped, whatever order it came in. */
export const isNewerAssignment = (
  known: PartitionAssignment | null,
  next: PartitionAssignment,
): boolean =>
  known === null ||
  next.leaderEpoch > known.leaderEpoch ||
  (next.leaderEpoch === known.leaderEpoch && next.partitionEpoch > known.partitionEpoch);
