/**
 * Which brokers hold a new partition: leaders go round the brokers from a random start, followers follow at a shift that
 * grows each round, so that a broker's followers are spread over all others (Kafka's rule for brokers without racks).
 */
import type { Random } from '@odradek/ports';
import { leaderEpoch, type NodeId } from '@odradek/protocol';
import type { PartitionAssignment } from '@odradek/replication';

export const placeReplicas = (
  brokers: readonly NodeId[],
  partitions: { readonly first: number; readonly count: number },
  replicationFactor: number,
  random: Random,
): NodeId[][] => {
  const total = brokers.length;
  const start = random.uint32() % total;
  let shift = random.uint32() % total;
  const placed: NodeId[][] = [];
  for (let p = partitions.first; p < partitions.first + partitions.count; p++) {
    if (p > 0 && p % total === 0) shift += 1;
    const leader = (start + p) % total;
    const replicas = [brokers[leader]!];
    for (let i = 0; i < replicationFactor - 1; i++) {
      const step = 1 + ((shift + i) % (total - 1));
      replicas.push(brokers[(leader + step) % total]!);
    }
    placed.push(replicas);
  }
  return placed;
};

/** A partition begins with all its replicas in sync (all are empty) and the first of them as leader. */
export const initialAssignment = (replicas: readonly NodeId[]): PartitionAssignment => ({
  replicas,
  isr: replicas,
  leader: replicas[0]!,
  leaderEpoch: leaderEpoch(0),
  partitionEpoch: 0,
});
