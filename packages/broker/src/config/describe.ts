/** Configuration as DescribeConfigs and CreateTopics tell it: values as text, where each comes from, and the synonyms behind it. */
import { brokerKeys, isBrokerKey } from './broker-keys.ts';
import type { BrokerConfig, BrokerKey } from './broker-keys.ts';
import type { ConfigLayers } from './broker-config.ts';
import type { ConfigKey } from './key.ts';
import { effectiveTopicConfig } from './topic-config.ts';
import type { TopicOverrides } from './topic-config.ts';
import { isTopicKey, topicKeys, topicRow } from './topic-keys.ts';
import type { TopicKey } from './topic-keys.ts';
import { formatValue, typeCode } from './value.ts';

/** Kafka's codes for where a value comes from. */
export const ConfigSource = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
} as const;
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource];

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
}

export interface ConfigDescription extends ConfigSynonym {
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  /** What was or would be asked, in order; the first one counts. */
  readonly synonyms: readonly ConfigSynonym[];
  /** Kafka's code of the type. */
  readonly type: number;
  readonly documentation: string;
}

export interface BrokerSettings {
  readonly config: BrokerConfig;
  readonly layers: ConfigLayers;
}

/** Every key, or those of `names` that exist. */
export function describeBrokerConfig(
  settings: BrokerSettings,
  names?: readonly string[] | null,
): readonly ConfigDescription[] {
  const keys = names == null ? (Object.keys(brokerKeys) as BrokerKey[]) : names.filter(isBrokerKey);
  return keys.map((name) => {
    const key: ConfigKey = brokerKeys[name];
    const synonyms = brokerSynonyms(settings.layers, name);
    return describe(
      name,
      key,
      formatValue(key.type, settings.config[name]),
      synonyms,
      key.updateMode === 'read-only',
    );
  });
}

export function describeTopicConfig(
  settings: BrokerSettings,
  overrides: TopicOverrides,
  names?: readonly string[] | null,
): readonly ConfigDescription[] {
  const keys = names == null ? (Object.keys(topicKeys) as TopicKey[]) : names.filter(isTopicKey);
  const config = effectiveTopicConfig(settings.config, overrides);
  return keys.map((name) => {
    const { key, synonym } = topicRow(name);
    const value = formatValue(key.type, config[name]);
    const own: readonly ConfigSynonym[] = overrides.has(name)
      ? [{ name, value, source: ConfigSource.TOPIC }]
      : [];
    const inherited: readonly ConfigSynonym[] =
      synonym === undefined
        ? [{ name, value: formatValue(key.type, key.default), source: ConfigSource.DEFAULT }]
        : brokerSynonyms(settings.layers, synonym);
    return describe(name, key, value, [...own, ...inherited], false);
  });
}

function describe(
  name: string,
  key: ConfigKey,
  value: string | null,
  synonyms: readonly ConfigSynonym[],
  isReadOnly: boolean,
): ConfigDescription {
  return {
    name,
    value,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT,
    isReadOnly,
    isSensitive: false,
    synonyms,
    type: typeCode[key.type],
    documentation: key.doc,
  };
}

/** The chain of a broker's key: the layers from the strongest, in each the key and then its fallbacks. */
function brokerSynonyms(layers: ConfigLayers, name: BrokerKey): readonly ConfigSynonym[] {
  const names = [
    name,
    ...(brokerKeys[name] as ConfigKey).fallbacks.map((fallback) => fallback.key as BrokerKey),
  ];
  const from = (
    layer: ReadonlyMap<string, string>,
    source: ConfigSource,
  ): readonly ConfigSynonym[] =>
    names.flatMap((synonym) => {
      const value = layer.get(synonym);
      return value === undefined ? [] : [{ name: synonym, value, source }];
    });
  const defaults = names.flatMap((synonym) => {
    const { type, default: initial, fallbacks }: ConfigKey = brokerKeys[synonym];
    return fallbacks.length > 0 || initial === null
      ? []
      : [{ name: synonym, value: formatValue(type, initial), source: ConfigSource.DEFAULT }];
  });
  return [
    ...from(layers.dynamicBroker, ConfigSource.DYNAMIC_BROKER),
    ...from(layers.dynamicDefault, ConfigSource.DYNAMIC_DEFAULT_BROKER),
    ...from(layers.given, ConfigSource.STATIC_BROKER),
    ...defaults,
  ];
}
