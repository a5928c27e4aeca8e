/**
 * The known bugs that a simulation has to find, with their numbers in the project's catalogue of forty bugs that brokers have
 * really had. Switched on by nobody but the simulator (ports/src/probe.ts).
 */
import type { MutantName } from '@odradek/ports';
import type { ClusterShape } from './simulation-options.ts';

export interface KnownBug {
  readonly name: MutantName;
  /** In the catalogue; absent: found in a specification, not in a system. */
  readonly number?: number;
  /** A proposal, a report, or an issue of its system. */
  readonly origin: string;
  readonly what: string;
  /** Where it shows. */
  readonly shape: ClusterShape;
}

export const KNOWN_BUGS: readonly KnownBug[] = [
  {
    name: 'acknowledgeBeforeFlush',
    number: 26,
    origin: 'etcd #14370',
    what: 'a broker that is alone acknowledges what is written and not flushed',
    shape: 'each',
  },
  {
    name: 'forgetProducerStateOnRestart',
    number: 7,
    origin: 'KIP-360',
    what: 'after a restart a batch that is sent again is taken for a new one',
    shape: 'each',
  },
  {
    name: 'truncateTornTailTooFar',
    number: 20,
    origin: 'LazyFS, bbolt #567',
    what: 'recovery cuts sound batches off together with a torn one',
    shape: 'each',
  },
  {
    name: 'highWatermarkAheadOfFlush',
    number: 26,
    origin: 'etcd #14370',
    what: 'readers are given what is not flushed',
    shape: 'each',
  },
  {
    name: 'log.failedFlushIgnored',
    number: 19,
    origin: 'fsyncgate, ATC 2020',
    what: 'a failed flush is taken for a flush',
    shape: 'each',
  },
  {
    name: 'log.followerForgetsProducers',
    number: 12,
    origin: 'Redpanda #3003, #3039',
    what: 'a follower that becomes the leader takes a batch that is sent again for a new one',
    shape: 'one',
  },
  {
    name: 'replication.lastReplicaStanding',
    number: 1,
    origin: 'KIP-966',
    what: 'the only member of the ISR stops uncleanly, and leads again with what it has left',
    shape: 'one',
  },
  {
    name: 'replication.uncleanRestartElected',
    number: 1,
    origin: 'KIP-966',
    what: 'a replica that stopped uncleanly stays in the ISR',
    shape: 'one',
  },
  {
    name: 'replication.truncateToHighWatermark',
    number: 2,
    origin: 'KIP-101',
    what: 'a follower cuts its log at its own high watermark instead of asking by epoch',
    shape: 'one',
  },
  {
    name: 'replication.highWatermarkFromSmallerIsr',
    number: 6,
    origin: 'TLA+ of KRaft (Vanlightly)',
    what: 'the smaller ISR counts while the controller has not agreed to it',
    shape: 'one',
  },
  {
    name: 'replication.ackBeforeFlush',
    number: 13,
    origin: 'NATS #7564',
    what: 'replicas say that they hold what they have not flushed',
    shape: 'one',
  },
  {
    name: 'replication.acknowledgedByTooFew',
    origin: 'KIP-966, TLA+ of KRaft',
    what: 'the high watermark moves with fewer in sync than min.insync.replicas',
    shape: 'one',
  },
  {
    name: 'broker.uncleanElection',
    origin: 'KIP-106',
    what: 'whoever is up may lead, whatever it lacks',
    shape: 'one',
  },
  {
    name: 'quorum.voteForShorterLog',
    number: 14,
    origin: 'NATS #7567',
    what: 'a vote is given to a candidate whose log is behind',
    shape: 'one',
  },
  {
    name: 'quorum.ackBeforeFlush',
    number: 13,
    origin: 'NATS #7564',
    what: 'members of the ensemble say that they hold what they have not flushed',
    shape: 'one',
  },
  {
    name: 'quorum.commitOldEpoch',
    origin: 'Raft, section 5.4.2',
    what: 'a leader counts the copies of what an older epoch wrote',
    shape: 'one',
  },
  {
    name: 'quorum.forgottenIncarnation',
    number: 37,
    origin: 'KIP-853',
    what: 'a member whose storage came back empty votes as if it were the old one',
    shape: 'one',
  },
  {
    name: 'quorum.truncateToHighWatermark',
    number: 2,
    origin: 'KIP-101',
    what: 'a follower of the metadata cuts its log at its high watermark',
    shape: 'one',
  },
  {
    name: 'quorum.watchBackInTime',
    number: 25,
    origin: 'etcd #15271',
    what: 'after a change of the leader a change is told again',
    shape: 'one',
  },
  {
    name: 'coordinator.fencedCommit',
    number: 30,
    origin: 'KIP-848',
    what: 'a commit of an earlier generation counts',
    shape: 'one',
  },
];
