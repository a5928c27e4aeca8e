/**
 * Known bugs of replication, each built in as a switch: a checker that is to be believed must find them. Only a simulation
 * hands a mutant in; nothing in a broker's composition can.
 */
import type { Probe } from '@odradek/ports';

export type ReplicationMutant =
  /** KIP-966: the only member of the ISR stopped uncleanly, and leads again with what it has left. */
  | 'lastReplicaStanding'
  /** KIP-101: a follower cuts its log at its own high watermark instead of asking by epoch. */
  | 'truncateToHighWatermark'
  /** KIP-320: epochs do not fence a deposed leader at the controller. */
  | 'zombieLeader'
  /** KIP-320, rule 4: a follower joins before it has reached the start of the leader's epoch. */
  | 'isrGrownTooEarly'
  /** An end of log counts before it is flushed. */
  | 'ackBeforeFlush'
  /** The smaller ISR counts while the controller has not agreed to it. */
  | 'highWatermarkFromSmallerIsr'
  /** KIP-903: what a replica held in its last life lets it join. */
  | 'staleBrokerEpochJoins'
  /** KIP-966: a replica that stopped uncleanly stays in the ISR. */
  | 'uncleanRestartElected'
  /** KIP-279: where the leader's epoch ends is believed, also when this log does not know that epoch. */
  | 'foreignEpochEndBelieved'
  /** KIP-392: a follower gives its clients what is not committed. */
  | 'followerReadsToEnd'
  /** The high watermark moves, and produces are answered, with fewer in sync than min.insync.replicas. */
  | 'acknowledgedByTooFew';

export const REPLICATION_MUTANTS: readonly ReplicationMutant[] = [
  'lastReplicaStanding',
  'truncateToHighWatermark',
  'zombieLeader',
  'isrGrownTooEarly',
  'ackBeforeFlush',
  'highWatermarkFromSmallerIsr',
  'staleBrokerEpochJoins',
  'uncleanRestartElected',
  'foreignEpochEndBelieved',
  'followerReadsToEnd',
  'acknowledgedByTooFew',
];

/** One at a time: a probe names it "replication.zombieLeader". */
export const replicationMutantOf = ({ mutants }: Probe = {}): ReplicationMutant | undefined =>
  mutants && REPLICATION_MUTANTS.find((it) => mutants.has(`replication.${it}`));
