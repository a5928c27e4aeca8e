/**
 * Answers the brokers' requests as the controller; every other member says NOT_CONTROLLER. Each speaks for itself only: `from` is
 * who it said to be when its link was made.
 */
import {
  ErrorCode,
  type AllocateProducerIdsRequest,
  type AlterPartitionRequest,
  type AlterPartitionResponse,
  type AssignReplicasToDirsRequest,
  type AssignReplicasToDirsResponse,
  type Body,
  type BrokerHeartbeatRequest,
  type BrokerRegistrationRequest,
  type Input,
  type NodeId,
  nodeId,
  type allocateProducerIdsResponse,
  type brokerHeartbeatResponse,
  type brokerRegistrationResponse,
} from '@odradek/protocol';
import type { ClusterController } from '../controller/cluster-controller.ts';
import type { Controller } from '../controller/controller.ts';
import { PRODUCER_ID_BLOCK_SIZE } from '../limits.ts';
import type { COMPLETE_DELETION } from './controller-apis.ts';

export interface ControllerDeskOptions {
  readonly isActive: () => boolean;
  readonly clusterId: () => string;
  readonly cluster: ClusterController;
  readonly controller: Pick<Controller, 'completeDeletion'>;
}

/** A broker that runs on several disks has several; ours has one, which tells its storage. */
const storageOf = ({ logDirs, incarnationId }: BrokerRegistrationRequest) =>
  logDirs[0] ?? incarnationId;

export class ControllerDesk {
  readonly #options: ControllerDeskOptions;

  constructor(options: ControllerDeskOptions) {
    this.#options = options;
  }

  get cluster(): ClusterController {
    return this.#options.cluster;
  }

  async register(
    from: NodeId,
    request: BrokerRegistrationRequest,
  ): Promise<Input<typeof brokerRegistrationResponse>> {
    const { isActive, cluster, clusterId } = this.#options;
    if (!isActive()) return { errorCode: ErrorCode.NOT_CONTROLLER };
    if (request.brokerId !== from) return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED };
    if (request.clusterId !== clusterId()) return { errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID };
    const registered = await cluster.register({
      nodeId: nodeId(request.brokerId),
      incarnation: storageOf(request),
      processId: request.incarnationId,
      listeners: request.listeners.map(({ name, host, port }) => ({ name, host, port })),
      rack: request.rack,
      previousBrokerEpoch: request.previousBrokerEpoch,
    });
    return registered.ok
      ? { errorCode: ErrorCode.NONE, brokerEpoch: registered.value }
      : { errorCode: registered.errorCode };
  }

  async heartbeat(
    from: NodeId,
    request: BrokerHeartbeatRequest,
  ): Promise<Input<typeof brokerHeartbeatResponse>> {
    const { isActive, cluster } = this.#options;
    const refused = (errorCode: ErrorCode) => ({ errorCode, shouldShutDown: false });
    if (!isActive()) return refused(ErrorCode.NOT_CONTROLLER);
    if (request.brokerId !== from) return refused(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    const reply = await cluster.heartbeat({
      ...request,
      nodeId: nodeId(request.brokerId),
    });
    return reply.ok ? { errorCode: ErrorCode.NONE, ...reply.value } : refused(reply.errorCode);
  }

  async alterPartition(
    from: NodeId,
    request: AlterPartitionRequest,
  ): Promise<AlterPartitionResponse> {
    const refused = (errorCode: ErrorCode) => ({ throttleTimeMs: 0, errorCode, topics: [] });
    if (!this.#options.isActive()) return refused(ErrorCode.NOT_CONTROLLER);
    if (request.brokerId !== from) return refused(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    const altered = await this.#options.cluster.alterPartition(request);
    return altered.ok ? altered.value : refused(altered.errorCode);
  }

  async assignReplicasToDirs(
    from: NodeId,
    request: AssignReplicasToDirsRequest,
  ): Promise<AssignReplicasToDirsResponse> {
    const refused = (errorCode: ErrorCode) => ({ throttleTimeMs: 0, errorCode, directories: [] });
    if (!this.#options.isActive()) return refused(ErrorCode.NOT_CONTROLLER);
    if (request.brokerId !== from) return refused(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    const assigned = await this.#options.cluster.assignReplicasToDirs(request);
    return assigned.ok ? assigned.value : refused(assigned.errorCode);
  }

  async allocateProducerIds(
    from: NodeId,
    request: AllocateProducerIdsRequest,
  ): Promise<Input<typeof allocateProducerIdsResponse>> {
    const { isActive, cluster } = this.#options;
    const refused = (errorCode: ErrorCode) => ({ errorCode, producerIdStart: 0, producerIdLen: 0 });
    if (!isActive()) return refused(ErrorCode.NOT_CONTROLLER);
    if (request.brokerId !== from) return refused(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    const block = await cluster.allocateProducerIds(
      nodeId(request.brokerId),
      request.brokerEpoch,
      PRODUCER_ID_BLOCK_SIZE,
    );
    return block.ok
      ? {
          errorCode: ErrorCode.NONE,
          producerIdStart: block.value,
          producerIdLen: PRODUCER_ID_BLOCK_SIZE,
        }
      : refused(block.errorCode);
  }

  async completeDeletion(
    from: NodeId,
    { brokerId, topicId }: Body<typeof COMPLETE_DELETION.request>,
  ): Promise<Input<typeof COMPLETE_DELETION.response>> {
    const { isActive, controller } = this.#options;
    if (!isActive()) return { errorCode: ErrorCode.NOT_CONTROLLER };
    if (brokerId !== from) return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED };
    const done = await controller.completeDeletion(nodeId(brokerId), topicId);
    return { errorCode: done.ok ? ErrorCode.NONE : done.errorCode };
  }
}
