/**
 * Which brokers hold a new partition, by Kafka's rules: replicas are spread over racks first and over brokers then, brokers
 * that are down are taken only when there are not enough others, and never to lead.
 *
 * Leaders go round a ring in which neighbours are of different racks, from a random start; followers come behind at a shift
 * that grows each round, so that a broker's followers are spread over all others. Of those that come next, one is taken whose
 * rack holds the fewest replicas of the partition.
 */
import type { Random } from '@odradek/ports';
import { leaderEpoch, type NodeId } from '@odradek/protocol';
import { NO_LEADER, type PartitionAssignment } from '@odradek/replication';

export interface PlaceableBroker {
  readonly nodeId: NodeId;
  /** Brokers without one are of one rack. */
  readonly rack: string | null;
  /** It may hold a replica, but cannot lead now. */
  readonly fenced: boolean;
}

/** One broker at least must be up, and `replicationFactor` of them must be there. */
export const placeReplicas = (
  brokers: readonly PlaceableBroker[],
  partitions: { readonly first: number; readonly count: number },
  replicationFactor: number,
  random: Random,
): NodeId[][] => {
  const ring = alternatingRacks(brokers.filter((it) => !it.fenced));
  const spare = alternatingRacks(brokers.filter((it) => it.fenced));
  const total = ring.length;
  const start = random.uint32() % total;
  let shift = random.uint32() % total;
  const placed: NodeId[][] = [];
  for (let p = partitions.first; p < partitions.first + partitions.count; p++) {
    if (p > 0 && p % total === 0) shift += 1;
    const leader = (start + p) % total;
    const chosen = [ring[leader]!];
    const next: PlaceableBroker[] = [];
    for (let i = 0; i < total - 1; i++) {
      next.push(ring[(leader + 1 + ((shift + i) % (total - 1))) % total]!);
    }
    const last = spare.map((_, i) => spare[(p + i) % spare.length]!);
    while (chosen.length < replicationFactor) {
      chosen.push(takeFrom(next.length > 0 ? next : last, chosen));
    }
    placed.push(chosen.map((it) => it.nodeId));
  }
  return placed;
};

/** A partition begins with all that are up in sync (all are empty) and the first of them as leader. */
export const initialAssignment = (
  replicas: readonly NodeId[],
  isr: readonly NodeId[] = replicas,
): PartitionAssignment => ({
  replicas,
  isr,
  leader: isr[0] ?? NO_LEADER,
  leaderEpoch: leaderEpoch(0),
  partitionEpoch: 0,
});

/** The first of those in the rack that holds the fewest; it is taken out. */
const takeFrom = (
  candidates: PlaceableBroker[],
  chosen: readonly PlaceableBroker[],
): PlaceableBroker => {
  const held = (it: PlaceableBroker): number =>
    chosen.reduce((count, other) => count + (other.rack === it.rack ? 1 : 0), 0);
  let best = 0;
  for (let i = 1; i < candidates.length; i++) {
    if (held(candidates[i]!) < held(candidates[best]!)) best = i;
  }
  return candidates.splice(best, 1)[0]!;
};

/** One of each rack in turn, as long as there are. */
const alternatingRacks = (brokers: readonly PlaceableBroker[]): readonly PlaceableBroker[] => {
  const racks = new Map<string | null, PlaceableBroker[]>();
  for (const broker of [...brokers].sort((a, b) => a.nodeId - b.nodeId)) {
    const of = racks.get(broker.rack);
    if (of === undefined) racks.set(broker.rack, [broker]);
    else of.push(broker);
  }
  const ring: PlaceableBroker[] = [];
  for (let round = 0; ring.length < brokers.length; round++) {
    for (const of of racks.values()) if (of[round] !== undefined) ring.push(of[round]!);
  }
  return ring;
};
