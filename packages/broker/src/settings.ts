/**
 * What the broker is set to, now: the table of keys over the layers that were given at the start and those that the metadata
 * log holds. Everything that depends on it asks here each time, or is told by `onChange` of the replica manager.
 */
import type { LogConfig } from '@odradek/log';
import type { ReplicaSettings } from '@odradek/replication';
import type { NodeId } from '@odradek/protocol';
import {
  AlterOperation,
  ConfigSource,
  alterTopicConfig,
  brokerKeys,
  describeBrokerConfig,
  describeTopicConfig,
  effectiveTopicConfig,
  formatValue,
  isBrokerKey,
  parseBrokerConfig,
  parseTopicConfig,
  refuseValue,
  type BrokerConfig,
  type ConfigAlteration,
  type ConfigDescription,
  type ConfigEntry,
  type ConfigKey,
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
  /** By a topic's own configuration, which the image replaces when it changes. */
  readonly #topicCache = new WeakMap<ConfigNode, TopicSettings>();
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
    this.#parsed = parseBrokerConfig(this.#entries, this.#dynamicLayers());
  }

  topic(topic: string): TopicConfig {
    return this.#topicSettings(topic).config;
  }

  logConfig(topic: string): LogConfig {
    return this.#topicSettings(topic).log;
  }

  replicaSettings(topic: string): ReplicaSettings {
    return this.#topicSettings(topic).replica;
  }

  /** Why a topic may not be given these; null when it may. */
  topicProblem(
    entries: readonly { readonly key: string; readonly value: string }[],
  ): string | null {
    return (
      parseTopicConfig(entries).problems.find((it) => it.severity === 'error')?.message ?? null
    );
  }

  /** Why a broker, or all of them, may not be given these while it runs; null when it may. */
  brokerProblem(
    node: NodeId | 'default',
    entries: readonly { readonly key: string; readonly value: string }[],
  ): string | null {
    for (const { key, value } of entries) {
      if (!isBrokerKey(key)) {
        return `${key} is not a key of a broker's configuration, or not supported`;
      }
      const { updateMode }: ConfigKey = brokerKeys[key];
      if (updateMode === 'read-only') return `${key} cannot be changed while the broker runs`;
      if (updateMode === 'per-broker' && node === 'default') {
        return `${key} cannot be set for all brokers together: name one`;
      }
      const refusal = refuseValue(key, value);
      if (refusal !== undefined) return refusal;
    }
    const layers = this.#dynamicLayers();
    const layer = node === 'default' ? 'cluster' : 'broker';
    const given = new Map(entries.map(({ key, value }) => [key, value]));
    // Keys may be right each by itself and wrong together. What was wrong before is not this change's fault.
    const known = new Set(this.#parsed.problems.map((it) => it.message));
    const { problems } = parseBrokerConfig(this.#entries, { ...layers, [layer]: given });
    const fresh = problems.find((it) => it.severity === 'error' && !known.has(it.message));
    return fresh?.message ?? null;
  }

  /**
   * What a broker, or all of them, would set themselves after alterations. As in Kafka a list grows from what is set there
   * already, or from the key's default.
   */
  alterBroker(
    own: ConfigNode,
    alterations: readonly ConfigAlteration[],
  ):
    | { readonly ok: true; readonly entries: ConfigNode }
    | { readonly ok: false; readonly message: string } {
    const altered = new Map(Object.entries(own));
    for (const { key, operation, value } of alterations) {
      if (operation === AlterOperation.DELETE) altered.delete(key);
      else if (value === null) return { ok: false, message: `${key} needs a value` };
      else if (operation === AlterOperation.SET) altered.set(key, value);
      else {
        const row: ConfigKey | undefined = isBrokerKey(key) ? brokerKeys[key] : undefined;
        if (row?.type !== 'list') {
          return {
            ok: false,
            message: `${key} is no list: nothing can be appended to it or taken from it`,
          };
        }
        const current = listOf(altered.get(key) ?? formatValue('list', row.default) ?? '');
        const named = listOf(value);
        const changed =
          operation === AlterOperation.APPEND
            ? [...current, ...named.filter((it) => !current.includes(it))]
            : current.filter((it) => !named.includes(it));
        altered.set(key, changed.join(','));
      }
    }
    return { ok: true, entries: Object.fromEntries(altered) };
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

  /** What is set for all brokers together, whatever this one has in its place. */
  describeBrokerDefaults(names: readonly string[] | null = null): readonly ConfigDescription[] {
    const { cluster } = this.#dynamicLayers();
    const parsed = parseBrokerConfig(this.#entries, { cluster });
    const set = [...cluster.keys()].filter((it) => names === null || names.includes(it));
    return describeBrokerConfig(parsed, set).map((it) => ({
      ...it,
      synonyms: it.synonyms.filter(({ source }) => source === ConfigSource.DYNAMIC_DEFAULT_BROKER),
    }));
  }

  #overridesOf(topic: string): TopicOverrides {
    return overridesFrom(this.#image.topicConfigs.get(topic));
  }

  #dynamicLayers(): DynamicLayers {
    return {
      broker: asMap(this.#image.brokerConfigs.get(this.#nodeId)),
      cluster: asMap(this.#image.brokerConfigs.get('default')),
    };
  }

  /** Made once for each state of the broker's configuration and the topic's own; topics without one share it. */
  #topicSettings(topic: string): TopicSettings {
    const own = this.#image.topicConfigs.get(topic) ?? NO_CONFIG;
    const known = this.#topicCache.get(own);
    if (known !== undefined && known.madeFrom === this.broker) return known;
    const config = effectiveTopicConfig(this.broker, overridesFrom(own));
    const made: TopicSettings = {
      madeFrom: this.broker,
      config,
      log: logConfigOf(config),
      replica: { minInsyncReplicas: config['min.insync.replicas'] },
    };
    this.#topicCache.set(own, made);
    return made;
  }
}

interface DynamicLayers {
  readonly broker: ReadonlyMap<string, string>;
  readonly cluster: ReadonlyMap<string, string>;
}

interface TopicSettings {
  readonly madeFrom: BrokerConfig;
  readonly config: TopicConfig;
  readonly log: LogConfig;
  readonly replica: ReplicaSettings;
}

/** Stands for the configuration of all topics that have none. */
const NO_CONFIG: ConfigNode = {};

const listOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((it) => it.trim())
    .filter((it) => it !== '');

const overridesFrom = (configs: ConfigNode | undefined): TopicOverrides =>
  parseTopicConfig(Object.entries(configs ?? {}).map(([key, value]) => ({ key, value }))).overrides;

const asMap = (configs: ConfigNode | undefined): ReadonlyMap<string, string> =>
  new Map(Object.entries(configs ?? {}));
