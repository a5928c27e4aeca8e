/** Topics that come into being by themselves: those that clients may make by naming them, and the groups' own. */
import type { Logger } from '@odradek/ports';
import { ErrorCode } from '@odradek/protocol';
import type { ControllerFace } from './cluster/routed-controller.ts';
import type { TopicRequest } from './controller/create-topics.ts';
import { INTERNAL_TOPICS, METADATA_TOPIC, type MetadataImage } from './metadata/image.ts';
import type { ReplicaManager } from './replica-manager.ts';
import type { Settings } from './settings.ts';

export const OFFSETS_TOPIC = '__consumer_offsets';

/** How long a client that waits for an automatic topic is kept; then it is told to try again. */
const CREATION_TIMEOUT_MS = 5_000;

export class InternalTopics {
  readonly #controller: Pick<ControllerFace, 'createTopic'>;
  readonly #image: MetadataImage;
  readonly #replicas: ReplicaManager;
  readonly #settings: Settings;
  readonly #logger: Logger;
  /** Creations under way, so that many who ask at once share one. */
  readonly #underWay = new Map<string, Promise<ErrorCode>>();

  constructor(options: {
    controller: Pick<ControllerFace, 'createTopic'>;
    image: MetadataImage;
    replicas: ReplicaManager;
    settings: Settings;
    logger: Logger;
  }) {
    this.#controller = options.controller;
    this.#image = options.image;
    this.#replicas = options.replicas;
    this.#settings = options.settings;
    this.#logger = options.logger;
  }

  /** A client named a topic that is not there. */
  autoCreate(name: string): Promise<ErrorCode> {
    if (name === OFFSETS_TOPIC) return this.ensureOffsetsTopic();
    if (INTERNAL_TOPICS.has(name) || name === METADATA_TOPIC) {
      return Promise.resolve(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    }
    return this.#create({
      name,
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [],
      configs: [],
    });
  }

  /** NONE once __consumer_offsets is there and its partitions are open. */
  ensureOffsetsTopic(): Promise<ErrorCode> {
    const underWay = this.#underWay.get(OFFSETS_TOPIC);
    if (underWay !== undefined) return underWay;
    if (this.#image.topics.has(OFFSETS_TOPIC)) return Promise.resolve(ErrorCode.NONE);
    const config = this.#settings.broker;
    const live = this.#image.liveBrokers().length;
    return this.#create({
      name: OFFSETS_TOPIC,
      numPartitions: config['offsets.topic.num.partitions'],
      replicationFactor: Math.min(config['offsets.topic.replication.factor'], Math.max(1, live)),
      assignments: [],
      configs: [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'compression.type', value: 'producer' },
        { name: 'segment.bytes', value: String(config['offsets.topic.segment.bytes']) },
      ],
    });
  }

  #create(request: TopicRequest): Promise<ErrorCode> {
    const known = this.#underWay.get(request.name);
    if (known !== undefined) return known;
    const creation = this.#createNow(request).finally(() => this.#underWay.delete(request.name));
    this.#underWay.set(request.name, creation);
    return creation;
  }

  async #createNow(request: TopicRequest): Promise<ErrorCode> {
    const decision = await this.#controller.createTopic(request, false);
    if (!decision.ok && decision.errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS) {
      this.#logger.warn(`topic "${request.name}" could not be created: ${decision.message}`);
      return decision.errorCode;
    }
    await this.#replicas.whenSettled(request.name, CREATION_TIMEOUT_MS);
    return ErrorCode.NONE;
  }
}
