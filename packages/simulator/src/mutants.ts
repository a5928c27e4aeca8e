/**
 * The known bugs that a simulation has to find, with their numbers in the catalogue of bugs that brokers have really had
 * (docs/simulator.md names what each of them is). Switched on by nobody but the simulator (ports/src/probe.ts).
 */
import type { MutantName } from '@odradek/ports';
import type { ClusterShape } from './simulation.ts';

export interface KnownBug {
  readonly name: MutantName;
  /** Where it was found: a proposal, a report, or an issue of its system. */
  readonly origin: string;
  readonly what: string;
  /** Where it shows. */
  readonly shape: ClusterShape;
}

export const KNOWN_BUGS: readonly KnownBug[] = [
  {
    name: 'acknowledgeBeforeFlush',
    origin: 'etcd #14370',
    what: 'a broker that is alone acknowledges what is written and not flushed',
    shape: 'each',
  },
  {
    name: 'forgetProducerStateOnRestart',
    origin: 'KIP-360',
    what: 'after a restart a batch that is sent again is taken for a new one',
    shape: 'each',
  },
  {
    name: 'truncateTornTailTooFar',
    origin: 'bbolt #567, LazyFS',
    what: 'recovery cuts sound batches off together with a torn one',
    shape: 'each',
  },
  {
    name: 'highWatermarkAheadOfFlush',
    origin: 'KIP-392',
    what: 'readers are given what is not flushed',
    shape: 'each',
  },
  {
    name: 'replication.lastReplicaStanding',
    origin: 'KIP-966',
    what: 'the only member of the ISR stops uncleanly, and leads again with what it has left',
    shape: 'one',
  },
  {
    name: 'replication.uncleanRestartElected',
    origin: 'KIP-966',
    what: 'a replica that stopped uncleanly stays in the ISR',
    shape: 'one',
  },
  {
    name: 'replication.truncateToHighWatermark',
    origin: 'KIP-101',
    what: 'a follower cuts its log at its own high watermark instead of asking by epoch',
    shape: 'one',
  },
  {
    name: 'replication.zombieLeader',
    origin: 'KIP-320',
    what: 'epochs do not fence a deposed leader at the controller',
    shape: 'one',
  },
  {
    name: 'replication.isrGrownTooEarly',
    origin: 'KAFKA-7128',
    what: "a follower joins before it has reached the start of the leader's epoch",
    shape: 'one',
  },
  {
    name: 'replication.highWatermarkFromSmallerIsr',
    origin: 'TLA+ of KRaft (Vanlightly)',
    what: 'the smaller ISR counts while the controller has not agreed to it',
    shape: 'one',
  },
  {
    name: 'replication.ackBeforeFlush',
    origin: 'NATS #7564',
    what: 'replicas say that they hold what they have not flushed',
    shape: 'one',
  },
  {
    name: 'replication.staleBrokerEpochJoins',
    origin: 'KIP-903',
    what: 'what a replica held in its last life lets it join the ISR',
    shape: 'one',
  },
  {
    name: 'quorum.lostVote',
    origin: 'NATS #7567',
    what: 'a vote is answered without being on the disk',
    shape: 'one',
  },
  {
    name: 'quorum.forgottenIncarnation',
    origin: 'KIP-853',
    what: 'a member whose storage came back empty votes as if it were the old one',
    shape: 'one',
  },
  {
    name: 'quorum.ackBeforeFlush',
    origin: 'NATS #7564',
    what: 'members of the ensemble say that they hold what they have not flushed',
    shape: 'one',
  },
  {
    name: 'quorum.truncateToHighWatermark',
    origin: 'KIP-101',
    what: 'a follower of the metadata cuts its log at its high watermark',
    shape: 'one',
  },
  {
    name: 'quorum.commitOldEpoch',
    origin: 'Raft, section 5.4.2',
    what: 'a leader counts the copies of what an older epoch wrote',
    shape: 'one',
  },
  {
    name: 'quorum.watchBackInTime',
    origin: 'etcd #15271',
    what: 'after a change of the leader changes are told again',
    shape: 'one',
  },
  {
    name: 'quorum.voteForShorterLog',
    origin: 'NATS #7567',
    what: 'a vote is given to a candidate whose log is behind',
    shape: 'one',
  },
];
