/** The parts of a broker, introduced to one another: replicas, groups, and what the handlers work with. */
import { GroupCoordinator } from '@odradek/coordinator';
import type { NodeId } from '@odradek/protocol';
import type { QuorumMember } from '@odradek/quorum';
import type { BrokerOptions } from './broker-options.ts';
import { clusterController, type Cluster } from './cluster/cluster.ts';
import { controllerHandlers } from './cluster/controller-role.ts';
import type { ControllerFace } from './cluster/routed-controller.ts';
import { RequestBudget } from './connection/request-budget.ts';
import type { ClusterController } from './controller/cluster-controller.ts';
import { Controller } from './controller/controller.ts';
import { ProducerIds } from './controller/producer-ids.ts';
import { Coordination } from './coordination/coordination.ts';
import { FetchSessions } from './fetch/fetch-sessions.ts';
import { rememberingGroupConfig } from './groups/group-config.ts';
import { appendToGroupLog, followGroupLeadership } from './groups/group-log.ts';
import { handlers } from './handlers/index.ts';
import { InternalTopics, OFFSETS_TOPIC } from './internal-topics.ts';
import {
  ANSWER_BYTES_UNDER_WAY_MAX,
  REQUEST_BYTES_IN_FLIGHT_MAX,
  WAITING_REQUEST_BYTES_MAX,
} from './limits.ts';
import type { MetadataImage } from './metadata/image.ts';
import type { ListenerAddress } from './metadata/nodes.ts';
import { ReplicaManager, type ReplicaManagerOptions } from './replica-manager.ts';
import type { BrokerServices } from './services.ts';
import type { Settings } from './settings.ts';
import type { Unpacking } from './unpacking.ts';

export interface PartsContext {
  readonly options: BrokerOptions;
  readonly nodeId: NodeId;
  /** Or only a controller of others. */
  readonly isBroker: boolean;
  readonly image: MetadataImage;
  readonly settings: Settings;
  readonly quorum: QuorumMember;
  /** Undefined: this broker is alone. */
  readonly cluster: Cluster | undefined;
  readonly unpacking: Unpacking;
  readonly openLog: ReplicaManagerOptions['openLog'];
  readonly listeners: () => readonly ListenerAddress[];
}

export interface BrokerParts {
  readonly replicas: ReplicaManager;
  readonly groups: GroupCoordinator;
  readonly services: BrokerServices;
}

export const assembleParts = (context: PartsContext): BrokerParts => {
  const { options, nodeId, isBroker, image, settings, quorum, cluster, openLog } = context;
  const { clock, random, volume, crc32c, compression, logger } = options;
  const controller = new Controller({
    quorum,
    image,
    random,
    isTopicDeletionEnabled: () => settings.broker['delete.topic.enable'],
    topicDefaults: () => ({
      numPartitions: settings.broker['num.partitions'],
      replicationFactor: settings.broker['default.replication.factor'],
      partitionsPerBrokerMax: settings.broker['odradek.max.partitions'],
      configProblem: (entries) => settings.topicProblem(entries),
    }),
  });
  const face: ControllerFace = cluster?.routedController ?? controller;
  const replicas = new ReplicaManager({
    ...(cluster === undefined ? {} : { replication: () => cluster.replication }),
    nodeId,
    volume,
    clock,
    crc32c,
    logger,
    image,
    settings,
    openLog,
    onRoleChange: (topic, partition, replica) => {
      if (topic === OFFSETS_TOPIC)
        followGroupLeadership(
          groups,
          partition,
          replica,
          settings.broker['offsets.load.buffer.size'],
          logger,
        );
    },
    onDeleted: ({ topicId }) => {
      void face.completeDeletion(nodeId, topicId).then((it) => {
        if (!it.ok)
          logger.warn('a finished deletion could not be recorded; the next start does it', {
            topicId,
          });
      });
    },
  });
  const groupConfig = rememberingGroupConfig(settings, image);
  const groups = new GroupCoordinator({
    clock,
    random,
    logger: logger.child({ part: 'groups' }),
    compression,
    get config() {
      return groupConfig();
    },
    append: (partition, records) => appendToGroupLog(replicas, partition, records, clock, crc32c),
    topicExists: (topic, partition) => image.partition(topic, partition) !== undefined,
    topicName: (topicId) => image.topicsById.get(topicId)?.name,
    topicId: (topic) => image.topics.get(topic)?.topicId,
    mutants: options.probe?.mutants,
  });
  const services: BrokerServices = {
    nodeId,
    image,
    controller,
    quorum,
    clusterController: cluster === undefined ? ownController(context) : () => cluster.controller,
    ...(cluster === undefined
      ? {}
      : { forwarding: cluster.forwarding, throttle: cluster.replication.throttle }),
    coordination: new Coordination({
      quorum,
      clock,
      ...(cluster === undefined ? {} : { leader: cluster.leaderDoor }),
    }),
    producerIds: new ProducerIds(face),
    replicas,
    groups,
    internalTopics: new InternalTopics({ controller: face, image, replicas, settings, logger }),
    fetchSessions: new FetchSessions(
      settings.broker['max.incremental.fetch.session.cache.slots'],
      clock,
      random,
    ),
    budget: new RequestBudget({
      requestBytesMax: REQUEST_BYTES_IN_FLIGHT_MAX,
      requestsMax: () => settings.broker['queued.max.requests'],
      waitingBytesMax: WAITING_REQUEST_BYTES_MAX,
      answerBytesMax: ANSWER_BYTES_UNDER_WAY_MAX,
    }),
    unpacking: context.unpacking,
    settings,
    clock,
    random,
    logger,
    ...(isBroker
      ? { handlers }
      : {
          handlers: controllerHandlers(handlers),
          controllerAddress: (name: string) => context.listeners().find((it) => it.name === name),
        }),
    dataLocation: volume.traits.location,
  };
  return { replicas, groups, services };
};

/** Of a broker that is alone: elections and moves are its own affair. */
const ownController = ({
  options,
  quorum,
  image,
  settings,
}: PartsContext): (() => ClusterController) => {
  let made: ClusterController | undefined;
  return () => (made ??= clusterController(quorum, image, settings, options.clock, options.probe));
};
