/**
 * What the broker is set to, now: the table of keys over the layers that were given at the start and those that the metadata
 * log holds. Everything that depends on it asks here each time, or is told by `onChange` of the replica manager.
 */
import type { LogConfig } from '@odradek/log';
import type { ReplicaSettings } from '@odradek/replication';
import {
  alterTopicConfig,
  describeBrokerConfig,
  describeTopicConfig,
  effectiveTopicConfig,
  isBrokerKey,
  parseBrokerConfig,
  parseTopicConfig,
  refuseValue,
  type BrokerConfig,
  type ConfigAlteration,
  type ConfigDescription,
  type ConfigEntry,
  type ListenerConfig,
  type ParsedBrokerConfig,
  type TopicConfig,
  type TopicOverrides,
} from './config/index.ts';
import { logConfigOf } from './log-config.ts';
import type { MetadataImage } from './metadata/image.ts';
import type { ConfigNode } from './metadata/nodes.ts';

export class Settings {
  readonly #entries: readonly ConfigEntry[];
  readonly #image: MetadataImage;
  readonly #nodeId: string;
  #parsed: ParsedBrokerConfig;

  constructor(entries: readonly ConfigEntry[], image: MetadataImage) {
    this.#entries = entries;
    this.#image = image;
    this.#parsed = parseBrokerConfig(entries);
    this.#nodeId = String(this.#parsed.config['node.id']);
  }

  get broker(): BrokerConfig {
    return this.#parsed.config;
  }

  get listeners(): readonly ListenerConfig[] {
    return this.#parsed.listeners;
  }

  get parsed(): ParsedBrokerConfig {
    return this.#parsed;
  }

  /** The metadata log changed a broker's configuration. */
  refresh(): void {
    this.#parsed = parseBrokerConfig(this.#entries, {
      broker: asMap(this.#image.brokerConfigs.get(this.#nodeId)),
      cluster: asMap(this.#image.brokerConfigs.get('default')),
    });
  }

  topic(topic: string): TopicConfig {
    return effectiveTopicConfig(this.broker, this.#overridesOf(topic));
  }

  logConfig(topic: string): LogConfig {
    return logConfigOf(this.topic(topic));
  }

  replicaSettings(topic: string): ReplicaSettings {
    return { minInsyncReplicas: this.topic(topic)['min.insync.replicas'] };
  }

  /** Why a topic may not be given these; null when it may. */
  topicProblem(
    entries: readonly { readonly key: string; readonly value: string }[],
  ): string | null {
    return (
      parseTopicConfig(entries).problems.find((it) => it.severity === 'error')?.message ?? null
    );
  }

  /** Why a broker may not be given these while it runs; null when it may. */
  brokerProblem(
    entries: readonly { readonly key: string; readonly value: string }[],
  ): string | null {
    for (const { key, value } of entries) {
      if (!isBrokerKey(key))
        return `${key} is not a key of a broker's configuration, or not supported`;
      const described = describeBrokerConfig(this.#parsed, [key])[0];
      if (described === undefined || described.isReadOnly)
        return `${key} cannot be changed while the broker runs`;
      const refusal = refuseValue(key, value);
      if (refusal !== undefined) return refusal;
    }
    return null;
  }

  alterTopic(
    topic: string,
    alterations: readonly ConfigAlteration[],
  ): ReturnType<typeof alterTopicConfig> {
    return alterTopicConfig(this.broker, this.#overridesOf(topic), alterations);
  }

  /** `configs` of a topic that is not there yet stand for those in the image. */
  describeTopic(
    topic: string,
    configs: ConfigNode | undefined = this.#image.topicConfigs.get(topic),
    names: readonly string[] | null = null,
  ): readonly ConfigDescription[] {
    return describeTopicConfig(this.#parsed, overridesFrom(configs), names);
  }

  describeBroker(names: readonly string[] | null = null): readonly ConfigDescription[] {
    return describeBrokerConfig(this.#parsed, names);
  }

  #overridesOf(topic: string): TopicOverrides {
    return overridesFrom(this.#image.topicConfigs.get(topic));
  }
}

const overridesFrom = (configs: ConfigNode | undefined): TopicOverrides =>
  parseTopicConfig(Object.entries(configs ?? {}).map(([key, value]) => ({ key, value }))).overrides;

const asMap = (configs: ConfigNode | undefined): ReadonlyMap<string, string> =>
  new Map(Object.entries(configs ?? {}));
