/** What an administrator asks for: topics for now. */
import { ErrorCode } from '@odradek/protocol';
import { createTopicsApi, deleteTopicsApi, describeConfigsApi } from './api.ts';
import type { Cluster, TopicMetadata } from './cluster.ts';
import { BrokerError, check } from './errors.ts';
import { withRetries } from './retry.ts';

export interface NewTopic {
  readonly name: string;
  /** -1 for the broker's default. */
  readonly partitions?: number;
  /** -1 for the broker's default. */
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export interface TopicConfigEntry {
  readonly name: string;
  readonly value: string | null;
  /** Whether the topic sets it itself. */
  readonly isOverride: boolean;
}

const ADMIN_TIMEOUT_MS = 30_000;
const TOPIC_RESOURCE = 2;
const TOPIC_SOURCE = 1;
const BROKER_DEFAULT = -1;

export class Admin {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async createTopic({
    name,
    partitions = BROKER_DEFAULT,
    replicationFactor = BROKER_DEFAULT,
    configs = {},
  }: NewTopic): Promise<void> {
    await this.#asController(async () => {
      const { topics } = await this.#cluster.askController(createTopicsApi, {
        topics: [
          {
            name,
            numPartitions: partitions,
            replicationFactor,
            assignments: [],
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeoutMs: ADMIN_TIMEOUT_MS,
      });
      for (const topic of topics)
        check(topic.errorCode, { topic: topic.name, detail: topic.errorMessage });
    });
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#asController(async () => {
      const { responses } = await this.#cluster.askController(deleteTopicsApi, {
        topicNames: [name],
        timeoutMs: ADMIN_TIMEOUT_MS,
      });
      for (const { errorCode, errorMessage } of responses) {
        check(errorCode, {
          topic: name,
          detail: errorMessage,
          ...(errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && { retriable: false }),
        });
      }
    });
  }

  /** Sorted by name. */
  listTopics(): Promise<readonly TopicMetadata[]> {
    const { host, retry } = this.#cluster;
    return withRetries(host, retry, async () => {
      const { topics } = await this.#cluster.metadata({ topics: null });
      return topics
        .filter(({ errorCode }) => errorCode === ErrorCode.NONE)
        .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
    });
  }

  describeTopic(name: string): Promise<TopicMetadata> {
    return this.#cluster.topic(name);
  }

  topicConfig(name: string): Promise<readonly TopicConfigEntry[]> {
    const { host, retry } = this.#cluster;
    return withRetries(host, retry, async () => {
      const { results } = await this.#cluster.askAny(describeConfigsApi, {
        resources: [{ resourceType: TOPIC_RESOURCE, resourceName: name, configurationKeys: null }],
        includeSynonyms: false,
        includeDocumentation: false,
      });
      const [result] = results;
      if (result === undefined) return [];
      check(result.errorCode, {
        topic: name,
        detail: result.errorMessage,
        ...(result.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && { retriable: false }),
      });
      return result.configs.map((config) => ({
        name: config.name,
        value: config.value,
        isOverride: config.configSource === TOPIC_SOURCE,
      }));
    });
  }

  async #asController(attempt: () => Promise<void>): Promise<void> {
    const { host, retry } = this.#cluster;
    await withRetries(host, retry, async () => {
      try {
        await attempt();
      } catch (error) {
        if (error instanceof BrokerError && error.code === ErrorCode.NOT_CONTROLLER)
          this.#cluster.forgetController();
        throw error;
      }
    });
  }
}
