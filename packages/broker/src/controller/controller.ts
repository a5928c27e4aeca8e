/**
 * The one that changes the cluster's metadata: it decides against the image, proposes to the ensemble, and answers when
 * the proposal is committed and applied here. Today it sits beside the quorum's leader in the same broker; it knows of the
 * quorum only `propose`, so that it can move to wherever the leader is.
 */
import type { Random } from '@odradek/ports';
import { ErrorCode, type NodeId, type Uuid } from '@odradek/protocol';
import type { QuorumMember, TreeOp } from '@odradek/quorum';
import type { MetadataImage, TopicImage } from '../metadata/image.ts';
import { encodeNode, type ConfigNode } from '../metadata/nodes.ts';
import {
  CLUSTER_PATH,
  PRODUCER_IDS_PATH,
  ROOT_PATHS,
  brokerConfigPath,
  deletionPath,
  deletionsPath,
  topicConfigPath,
} from '../metadata/paths.ts';
import { decideCreatePartitions } from './create-partitions.ts';
import {
  decideCreateTopic,
  type NewTopic,
  type TopicDefaults,
  type TopicRequest,
} from './create-topics.ts';
import { decideDeleteTopic } from './delete-topic.ts';
import { decided, refuse, type Decision } from './outcome.ts';
import { decideRegistration, type Registration } from './register-broker.ts';

export interface ControllerOptions {
  readonly quorum: QuorumMember;
  readonly image: MetadataImage;
  readonly random: Random;
  readonly topicDefaults: () => TopicDefaults;
  readonly isTopicDeletionEnabled: () => boolean;
}

export type ConfigResource =
  | { readonly kind: 'topic'; readonly topic: string }
  | { readonly kind: 'broker'; readonly node: NodeId | 'default' };

/** Below the tree's own bound on one multi-operation. */
const OPS_PER_PROPOSAL_MAX = 5_000;

export class Controller {
  readonly #quorum: QuorumMember;
  readonly #image: MetadataImage;
  readonly #random: Random;
  readonly #options: ControllerOptions;

  constructor(options: ControllerOptions) {
    this.#quorum = options.quorum;
    this.#image = options.image;
    this.#random = options.random;
    this.#options = options;
  }

  /** First start of a cluster: its id and its folders. A second call changes nothing. */
  async formatCluster(clusterId: string): Promise<void> {
    if (this.#image.clusterId !== '') return;
    const folders = ROOT_PATHS.map((path): TreeOp => ({
      op: 'create',
      path,
      value: encodeNode({}),
    }));
    const cluster: TreeOp = { op: 'create', path: CLUSTER_PATH, value: encodeNode({ clusterId }) };
    const ids: TreeOp = {
      op: 'create',
      path: PRODUCER_IDS_PATH,
      value: encodeNode({ nextProducerId: 0 }),
    };
    const result = await this.#propose([...folders, cluster, ids], 'the cluster');
    if (!result.ok) throw new Error(`the metadata log cannot be formatted: ${result.message}`);
  }

  async registerBroker(registration: Registration): Promise<void> {
    const isKnown = this.#image.brokers.has(registration.nodeId);
    const ops = [...decideRegistration(registration, this.#image)];
    if (!isKnown)
      ops.push({ op: 'create', path: deletionsPath(registration.nodeId), value: encodeNode({}) });
    // New epochs first, the registration last: a crash in between only makes the epochs rise once more.
    ops.reverse();
    for (let first = 0; first < ops.length; first += OPS_PER_PROPOSAL_MAX) {
      const part = ops.slice(first, first + OPS_PER_PROPOSAL_MAX);
      const result = await this.#propose(part, `broker ${registration.nodeId}`);
      if (!result.ok) throw new Error(`the broker cannot be registered: ${result.message}`);
    }
  }

  async createTopic(request: TopicRequest, validateOnly: boolean): Promise<Decision<NewTopic>> {
    const decision = decideCreateTopic(
      request,
      this.#image,
      this.#options.topicDefaults(),
      this.#newUuid(),
      this.#random,
    );
    if (!decision.ok || validateOnly) return decision;
    const committed = await this.#propose(decision.value.ops, `topic "${request.name}"`);
    return committed.ok ? decision : committed;
  }

  async deleteTopic(topic: TopicImage): Promise<Decision<null>> {
    const decision = decideDeleteTopic(topic, this.#image, this.#options.isTopicDeletionEnabled());
    return decision.ok ? this.#propose(decision.value, `topic "${topic.name}"`) : decision;
  }

  async createPartitions(
    topic: TopicImage,
    count: number,
    assignments: readonly { readonly brokerIds: readonly number[] }[] | null,
    validateOnly: boolean,
  ): Promise<Decision<null>> {
    const decision = decideCreatePartitions(
      topic,
      count,
      assignments,
      this.#image,
      this.#options.topicDefaults().partitionsPerBrokerMax,
      this.#random,
    );
    if (!decision.ok) return decision;
    return validateOnly ? decided(null) : this.#propose(decision.value, `topic "${topic.name}"`);
  }

  /** Puts a resource's whole configuration; the caller has read, changed and checked it. */
  async putConfig(resource: ConfigResource, config: ConfigNode): Promise<Decision<null>> {
    const path =
      resource.kind === 'topic' ? topicConfigPath(resource.topic) : brokerConfigPath(resource.node);
    const known =
      resource.kind === 'topic'
        ? this.#image.topicConfigs.has(resource.topic)
        : this.#image.brokerConfigs.has(String(resource.node));
    const isEmpty = Object.keys(config).length === 0;
    if (isEmpty && !known) return decided(null);
    const op: TreeOp = isEmpty
      ? { op: 'delete', path }
      : { op: known ? 'set' : 'create', path, value: encodeNode(config) };
    return this.#propose([op], path);
  }

  /** Takes the next block of producer ids; returns its first. */
  async allocateProducerIds(blockSize: number): Promise<Decision<number>> {
    const first = this.#image.nextProducerId;
    const next = encodeNode({ nextProducerId: first + blockSize });
    const result = await this.#propose(
      [{ op: 'set', path: PRODUCER_IDS_PATH, value: next }],
      'producer ids',
    );
    return result.ok ? decided(first) : result;
  }

  /** The files of a deleted topic are gone from this broker. */
  async completeDeletion(node: NodeId, topicId: Uuid): Promise<Decision<null>> {
    return this.#propose(
      [{ op: 'delete', path: deletionPath(node, topicId) }],
      `deletion of ${topicId}`,
    );
  }

  async #propose(ops: readonly TreeOp[], what: string): Promise<Decision<null>> {
    let proposal: Awaited<ReturnType<QuorumMember['propose']>>;
    try {
      proposal = await this.#quorum.propose(ops);
    } catch (error) {
      return refuse(
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        `the metadata log is not available: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    switch (proposal.status) {
      case 'committed':
        return decided(null);
      case 'notLeader':
        return refuse(ErrorCode.NOT_CONTROLLER, 'this broker is not the controller');
      case 'refused':
        // Somebody else was faster: the decision was taken against an image which is no longer true.
        return refuse(
          proposal.error.code === 'nodeExists'
            ? ErrorCode.TOPIC_ALREADY_EXISTS
            : ErrorCode.INVALID_REQUEST,
          `${what} was changed at the same time (${proposal.error.message})`,
        );
    }
  }

  #newUuid(): Uuid {
    const bytes = this.#random.bytes(16);
    let hex = '';
    for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
    return hex as Uuid;
  }
}
