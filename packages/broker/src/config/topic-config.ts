/** A topic's configuration: what it sets itself over what the broker gives. */
import type { BrokerConfig } from './broker-keys.ts';
import type { ConfigProblem } from './broker-config.ts';
import type { ConfigKey, ConfigValue } from './key.ts';
import { isTopicKey, topicKeys, topicRow } from './topic-keys.ts';
import type { TopicConfig, TopicKey } from './topic-keys.ts';
import { explainRefusedKey } from './unsupported-keys.ts';
import { formatValue, parseValue } from './value.ts';

/** What a topic sets itself: known keys with values that parse, as text. */
export type TopicOverrides = ReadonlyMap<TopicKey, string>;

export interface ParsedTopicConfig {
  readonly overrides: TopicOverrides;
  /** Any of them means INVALID_CONFIG. */
  readonly problems: readonly ConfigProblem[];
}

export function parseTopicConfig(
  entries: readonly { readonly key: string; readonly value: string }[],
): ParsedTopicConfig {
  const overrides = new Map<TopicKey, string>();
  const problems: ConfigProblem[] = [];
  const refuse = (key: string, message: string): void => {
    problems.push({ severity: 'error', key, origin: undefined, message });
  };
  for (const { key, value } of entries) {
    if (!isTopicKey(key)) {
      refuse(key, explainRefusedKey(key, 'topic'));
      continue;
    }
    const parsed = parseValue(topicRow(key).key, value);
    if (!parsed.ok) refuse(key, `${key}=${value}: ${parsed.reason}`);
    else overrides.set(key, value.trim());
  }
  const lags = { ...defaultLags, ...lagsOf(overrides) };
  if (lags.min > lags.max)
    refuse('min.compaction.lag.ms', 'min.compaction.lag.ms is above max.compaction.lag.ms');
  return { overrides, problems };
}

const defaultLags = {
  min: topicKeys['min.compaction.lag.ms'].key.default,
  max: topicKeys['max.compaction.lag.ms'].key.default,
};

function lagsOf(overrides: TopicOverrides): { min?: number; max?: number } {
  const number = (key: TopicKey): number | undefined =>
    overrideValue(overrides, key) as number | undefined;
  const [min, max] = [number('min.compaction.lag.ms'), number('max.compaction.lag.ms')];
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

/** What holds for a topic. Cheap enough to be done when either side changes; not for each batch. */
export function effectiveTopicConfig(broker: BrokerConfig, overrides: TopicOverrides): TopicConfig {
  const config: Record<string, ConfigValue> = {};
  for (const [name, { key, synonym }] of Object.entries<{
    key: ConfigKey;
    synonym: keyof BrokerConfig | undefined;
  }>(topicKeys)) {
    config[name] =
      overrideValue(overrides, name as TopicKey) ??
      (synonym === undefined ? key.default : broker[synonym]);
  }
  return config as TopicConfig;
}

function overrideValue(overrides: TopicOverrides, key: TopicKey): ConfigValue | undefined {
  const text = overrides.get(key);
  const parsed = text === undefined ? undefined : parseValue(topicRow(key).key, text);
  return parsed?.ok ? parsed.value : undefined;
}

/** Kafka's operations of IncrementalAlterConfigs, by their wire codes. */
export const AlterOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface ConfigAlteration {
  readonly key: string;
  readonly operation: number;
  readonly value: string | null;
}

/**
 * The overrides after alterations, not yet validated: `parseTopicConfig` does that for the whole, as Kafka does. Lists grow from what holds
 * without the override when there is none. The error is a sentence.
 */
export function alterTopicConfig(
  broker: BrokerConfig,
  overrides: TopicOverrides,
  alterations: readonly ConfigAlteration[],
):
  | {
      readonly ok: true;
      readonly entries: readonly { readonly key: string; readonly value: string }[];
    }
  | { readonly ok: false; readonly message: string } {
  const altered = new Map<string, string>(overrides);
  for (const { key, operation, value } of alterations) {
    if (operation === AlterOperation.DELETE) {
      altered.delete(key);
      continue;
    }
    if (value === null) return { ok: false, message: `${key} needs a value` };
    if (operation === AlterOperation.SET) {
      altered.set(key, value);
      continue;
    }
    if (operation !== AlterOperation.APPEND && operation !== AlterOperation.SUBTRACT)
      return { ok: false, message: `${operation} is not an operation on ${key}` };
    if (!isTopicKey(key)) return { ok: false, message: explainRefusedKey(key, 'topic') };
    if (topicRow(key).key.type !== 'list')
      return {
        ok: false,
        message: `${key} is no list: nothing can be appended to it or taken from it`,
      };
    const current =
      altered.get(key) ?? formatValue('list', effectiveTopicConfig(broker, overrides)[key]) ?? '';
    altered.set(key, changeList(current, operation === AlterOperation.APPEND, value));
  }
  return { ok: true, entries: [...altered].map(([key, value]) => ({ key, value })) };
}

function changeList(current: string, append: boolean, value: string): string {
  const parts = (text: string): string[] =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  const changed = parts(value);
  const kept = parts(current).filter((part) => append || !changed.includes(part));
  return [...kept, ...(append ? changed.filter((part) => !kept.includes(part)) : [])].join(',');
}
