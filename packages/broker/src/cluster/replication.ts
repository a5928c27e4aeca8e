/**
 * What the replicas of this broker have to do with other brokers: one fetcher a leader for those that follow, wishes about the
 * ISR for those that lead, and what the metadata says of the others.
 */
import type { Clock, Logger, Probe } from '@odradek/ports';
import { fetchRequest, fetchResponse, nodeId, type NodeId, type Uuid } from '@odradek/protocol';
import {
  IsrProposals,
  LeaderFetcher,
  replicationMutantOf,
  type LeaderFetcherOptions,
  type LeaderLink,
  type PartitionAssignment,
  type PartitionReplica,
  type ReplicaCluster,
  type ReplicaKey,
} from '@odradek/replication';
import { offsetForLeaderEpochRequest, offsetForLeaderEpochResponse } from '@odradek/protocol';
import type { MetadataImage } from '../metadata/image.ts';
import type { Peers } from '../peers/peers.ts';
import { periodically, type Repetition } from '../periodically.ts';
import type { Settings } from '../settings.ts';
import { ALTER_PARTITION } from './controller-apis.ts';
import type { ControllerDoor } from './controller-door.ts';
import { OfflineReplicas } from './offline-replicas.ts';
import { ReplicationThrottle } from './replication-throttle.ts';

export const REPLICA_FETCH = { request: fetchRequest, response: fetchResponse, version: 18 };
export const REPLICA_EPOCHS = {
  request: offsetForLeaderEpochRequest,
  response: offsetForLeaderEpochResponse,
  version: 4,
};

/** An answer takes as long as the poll, and then no longer than this. */
const ANSWER_GRACE_MS = 5_000;
const ALTER_PARTITION_TIMEOUT_MS = 5_000;

export interface ReplicationOptions {
  readonly nodeId: NodeId;
  readonly brokerEpoch: () => number;
  /** Where its replicas are; one that is lost is in no directory. */
  readonly directory: () => Uuid;
  readonly peers: Pick<Peers, 'ask'>;
  readonly door: ControllerDoor;
  readonly image: MetadataImage;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onDiverged: LeaderFetcherOptions['onDiverged'];
  /** All replicas of this broker, for the look at their ISRs. */
  readonly replicas: () => Iterable<{ readonly replica: PartitionReplica }>;
  /** For simulations alone. */
  readonly probe?: Probe | undefined;
}

export class Replication {
  readonly cluster: ReplicaCluster;
  readonly throttle: ReplicationThrottle;
  readonly #options: ReplicationOptions;
  readonly #fetchers = new Map<NodeId, LeaderFetcher>();
  /** By which fetcher a partition is asked for. */
  readonly #followed = new Map<string, NodeId>();
  readonly #proposals: IsrProposals;
  readonly #offline: OfflineReplicas;
  readonly #isrChecks: Repetition;
  #isStopped = false;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    const { image, settings, clock, logger, door, brokerEpoch } = options;
    this.throttle = new ReplicationThrottle(options.nodeId, settings, clock);
    this.#proposals = new IsrProposals({
      nodeId: options.nodeId,
      brokerEpoch,
      clock,
      logger,
      send: (request) => door.ask(ALTER_PARTITION, request, ALTER_PARTITION_TIMEOUT_MS),
    });
    this.#offline = new OfflineReplicas(options);
    this.cluster = {
      clock,
      lagTimeMaxMs: () => settings.broker['replica.lag.time.max.ms'],
      broker(id) {
        const broker = image.brokers.get(id);
        return (
          broker && {
            brokerEpoch: broker.brokerEpoch,
            isFenced: broker.fenced,
            isShuttingDown: broker.inControlledShutdown === true,
            rack: broker.rack,
          }
        );
      },
      proposeIsr: (proposal, answered) => this.#proposals.propose(proposal, answered),
      mutant: replicationMutantOf(options.probe),
      observer: options.probe?.observer,
    };
    this.#isrChecks = periodically(
      'the check of in-sync replicas',
      () => settings.broker['replica.lag.time.max.ms'] / 2,
      clock,
      logger,
      async () => {
        for (const { replica } of options.replicas()) replica.shrinkIsr();
      },
    );
  }

  /** Effect of the replica's machine. */
  startFetching(
    key: ReplicaKey,
    replica: PartitionReplica,
    { leader, leaderEpoch }: PartitionAssignment,
  ): void {
    // Without a leader there is nobody to ask.
    if (this.#isStopped || leader < 0 || leader === this.#options.nodeId) return;
    this.#followed.set(idOf(key), leader);
    this.#fetcherOf(leader).add(key, replica, leaderEpoch);
  }

  /** Effect of the replica's machine: the controller is told. */
  wentOffline(key: ReplicaKey, replica: PartitionReplica): void {
    this.#offline.watch(key, replica);
  }

  stopFetching(key: ReplicaKey): void {
    const leader = this.#followed.get(idOf(key));
    if (leader === undefined) return;
    this.#followed.delete(idOf(key));
    const fetcher = this.#fetchers.get(leader);
    fetcher?.remove(key);
    if (fetcher?.size === 0) {
      fetcher.stop();
      this.#fetchers.delete(leader);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const fetcher of this.#fetchers.values()) fetcher.stop();
    this.#fetchers.clear();
    this.#proposals.stop();
    this.#offline.stop();
    await this.#isrChecks.stop();
  }

  #fetcherOf(leader: NodeId): LeaderFetcher {
    const known = this.#fetchers.get(leader);
    if (known !== undefined) return known;
    const { nodeId: own, brokerEpoch, clock, logger, settings, onDiverged } = this.#options;
    const fetcher = new LeaderFetcher({
      nodeId: own,
      leader: nodeId(leader),
      brokerEpoch,
      link: this.#linkTo(leader),
      clock,
      logger,
      onDiverged,
      throttle: this.throttle.follower,
      config: () => ({
        maxWaitMs: settings.broker['replica.fetch.wait.max.ms'],
        minBytes: settings.broker['replica.fetch.min.bytes'],
        maxBytes: settings.broker['replica.fetch.response.max.bytes'],
        partitionMaxBytes: settings.broker['replica.fetch.max.bytes'],
        backoffMs: settings.broker['replica.fetch.backoff.ms'],
      }),
    });
    this.#fetchers.set(leader, fetcher);
    return fetcher;
  }

  #linkTo(leader: NodeId): LeaderLink {
    const { peers } = this.#options;
    return {
      fetch: (request) =>
        peers.ask(leader, REPLICA_FETCH, request, (request.maxWaitMs ?? 0) + ANSWER_GRACE_MS),
      offsetsForLeaderEpoch: (request) =>
        peers.ask(leader, REPLICA_EPOCHS, request, ANSWER_GRACE_MS),
    };
  }
}

const idOf = ({ topicId, partition }: ReplicaKey): string => `${topicId}:${partition}`;
