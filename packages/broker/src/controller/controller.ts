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
  topicConfigPath,
} from '../metadata/paths.ts';
import { inProposals } from './broker-changes.ts';
import { decideCreatePartitions } from './create-partitions.ts';
import {
  decideCreateTopic,
  type NewTopic,
  type TopicDefaults,
  type TopicRequest,
} from './create-topics.ts';
import { decideDeleteTopic } from './delete-topic.ts';
import { decided, refuse, type Decision } from './outcome.ts';
import { OVERTAKEN, propose } from './propose.ts';
import { decideRegistration, type Registration } from './register-broker.ts';
import { collisionKey } from './topic-name.ts';
import { Turns } from './turns.ts';

/** A deletion that is overtaken so often is the client's to repeat. */
const DELETION_TRIES_MAX = 5;

export interface ControllerOptions {
  readonly quorum: QuorumMember;
  readonly image: MetadataImage;
  readonly random: Random;
  readonly topicDefaults: () => Omit<TopicDefaults, 'partitionsUnderWay'>;
  readonly isTopicDeletionEnabled: () => boolean;
}

export type ConfigResource =
  | { readonly kind: 'topic'; readonly topic: string }
  | { readonly kind: 'broker'; readonly node: NodeId | 'default' };

export class Controller {
  readonly #quorum: QuorumMember;
  readonly #image: MetadataImage;
  readonly #random: Random;
  readonly #options: ControllerOptions;
  readonly #turns = new Turns();
  #partitionsUnderWay = 0;

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
    const ops = decideRegistration(registration, this.#image);
    for (const part of inProposals(ops)) {
      const result = await this.#propose(part, `broker ${registration.nodeId}`);
      if (!result.ok) throw new Error(`the broker cannot be registered: ${result.message}`);
    }
  }

  createTopic(request: TopicRequest, validateOnly: boolean): Promise<Decision<NewTopic>> {
    return this.#inTurn(request.name, async () => {
      const decision = decideCreateTopic(
        request,
        this.#image,
        this.#topicDefaults(),
        this.#newUuid(),
        this.#random,
      );
      if (!decision.ok || validateOnly) return decision;
      const { ops, numPartitions } = decision.value;
      const committed = await this.#proposePartitions(
        ops,
        numPartitions,
        `topic "${request.name}"`,
      );
      return committed.ok ? decision : committed;
    });
  }

  /** Gone as soon as this resolves, if it was still this very topic. */
  deleteTopic({ name, topicId }: TopicImage): Promise<Decision<null>> {
    return this.#inTurn(name, async () => {
      for (let tries = 1; ; tries++) {
        const topic = this.#image.topics.get(name);
        if (topic?.topicId !== topicId) return absent(name);
        const isEnabled = this.#options.isTopicDeletionEnabled();
        const decision = decideDeleteTopic(topic, this.#image, isEnabled);
        if (!decision.ok) return decision;
        const result = await this.#propose(decision.value, `topic "${name}"`);
        if (result.ok || !OVERTAKEN.has(result.errorCode) || tries === DELETION_TRIES_MAX)
          return result;
        // A note of what a broker has to remove came or went meanwhile: behind a change of nothing the image has it.
        const caughtUp = await this.#propose([], `topic "${name}"`);
        if (!caughtUp.ok) return caughtUp;
      }
    });
  }

  createPartitions(
    name: string,
    count: number,
    assignments: readonly { readonly brokerIds: readonly number[] }[] | null,
    validateOnly: boolean,
  ): Promise<Decision<null>> {
    return this.#inTurn(name, async () => {
      const topic = this.#image.topics.get(name);
      if (topic === undefined) return absent(name);
      const decision = decideCreatePartitions(
        topic,
        count,
        assignments,
        this.#image,
        this.#topicDefaults(),
        this.#random,
      );
      if (!decision.ok) return decision;
      if (validateOnly) return decided(null);
      const added = count - topic.partitions.length;
      return this.#proposePartitions(decision.value, added, `topic "${name}"`);
    });
  }

  /**
   * Puts a resource's whole configuration: what `change` makes of the one that it has, which nobody else changes meanwhile.
   */
  alterConfig(
    resource: ConfigResource,
    change: (own: ConfigNode) => Decision<ConfigNode>,
    validateOnly: boolean,
  ): Promise<Decision<null>> {
    const isTopic = resource.kind === 'topic';
    const task = async (): Promise<Decision<null>> => {
      if (isTopic && !this.#image.topics.has(resource.topic)) return absent(resource.topic);
      const known = isTopic
        ? this.#image.topicConfigs.get(resource.topic)
        : this.#image.brokerConfigs.get(String(resource.node));
      const changed = change(known ?? {});
      if (!changed.ok) return changed;
      if (validateOnly) return decided(null);
      const path = isTopic ? topicConfigPath(resource.topic) : brokerConfigPath(resource.node);
      const op = configOp(path, known, changed.value);
      return op === null ? decided(null) : this.#propose([op], path);
    };
    // No topic has a name with a slash.
    return isTopic
      ? this.#inTurn(resource.topic, task)
      : this.#turns.run(`broker/${resource.node}`, task);
  }

  /** Takes the next block of producer ids; returns its first. */
  allocateProducerIds(blockSize: number): Promise<Decision<number>> {
    // One block after the other, however many brokers ask. No topic has a name with a slash.
    return this.#turns.run('ids/producers', async () => {
      const first = this.#image.nextProducerId;
      const next = encodeNode({ nextProducerId: first + blockSize });
      const result = await this.#propose(
        [{ op: 'set', path: PRODUCER_IDS_PATH, value: next }],
        'producer ids',
      );
      return result.ok ? decided(first) : result;
    });
  }

  /** The files of a deleted topic are gone from this broker. */
  async completeDeletion(node: NodeId, topicId: Uuid): Promise<Decision<null>> {
    return this.#propose(
      [{ op: 'delete', path: deletionPath(node, topicId) }],
      `deletion of ${topicId}`,
    );
  }

  #propose(ops: readonly TreeOp[], what: string): Promise<Decision<null>> {
    return propose(this.#quorum, ops, what);
  }

  /** Partitions that are not in the image yet count, too: many topics may be made at once. */
  async #proposePartitions(
    ops: readonly TreeOp[],
    count: number,
    what: string,
  ): Promise<Decision<null>> {
    this.#partitionsUnderWay += count;
    try {
      return await this.#propose(ops, what);
    } finally {
      this.#partitionsUnderWay -= count;
    }
  }

  #topicDefaults(): TopicDefaults {
    return { ...this.#options.topicDefaults(), partitionsUnderWay: this.#partitionsUnderWay };
  }

  /** Names that exclude one another take turns with one another. */
  #inTurn<T>(topic: string, task: () => Promise<T>): Promise<T> {
    return this.#turns.run(collisionKey(topic), task);
  }

  #newUuid(): Uuid {
    const bytes = this.#random.bytes(16);
    let hex = '';
    for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
    return hex as Uuid;
  }
}

const absent = (topic: string): Decision<never> =>
  refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic "${topic}" is not there`);

const configOp = (path: string, known: ConfigNode | undefined, next: ConfigNode): TreeOp | null => {
  const isEmpty = Object.keys(next).length === 0;
  if (isEmpty) return known === undefined ? null : { op: 'delete', path };
  return { op: known === undefined ? 'create' : 'set', path, value: encodeNode(next) };
};
