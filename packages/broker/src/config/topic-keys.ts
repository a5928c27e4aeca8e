/**
 * The table of a topic's configuration. A topic's key is a broker's key under a shorter name: what the topic does not set, the broker's
 * gives. Type, range and description are the broker's, so they are not told twice.
 */
import { brokerKeys } from './broker-keys.ts';
import type { BrokerConfig, BrokerKey } from './broker-keys.ts';
import { atLeast, boolean, between, int, list } from './key.ts';
import type { ConfigKey, ValueOf, Validator } from './key.ts';

/** A topic's key, and the broker's key that gives its default. */
export interface TopicKeyRow<
  V extends ConfigKey = ConfigKey,
  S extends BrokerKey | undefined = BrokerKey | undefined,
> {
  readonly key: V;
  readonly synonym: S;
}

function sameAs<const K extends BrokerKey>(
  synonym: K,
  valid?: Validator,
): TopicKeyRow<ConfigKey<BrokerConfig[K]>, K> {
  const key = brokerKeys[synonym] as unknown as ConfigKey<BrokerConfig[K]>;
  return {
    key: {
      ...key,
      importance: 'medium',
      updateMode: 'cluster-wide',
      fallbacks: [],
      ...(valid && { valid }),
    },
    synonym,
  };
}

const ofTopicsOnly = <K extends ConfigKey>(key: K): TopicKeyRow<K, undefined> => ({
  key,
  synonym: undefined,
});

const RECOMPRESSION = "batches are compressed again at the codec's own default level";
const level = (
  initial: number,
  low: number,
  high: number,
): TopicKeyRow<ConfigKey<number>, undefined> =>
  ofTopicsOnly(
    int(initial, {
      valid: between(low, high),
      noEffect: RECOMPRESSION,
      doc: 'A compression level in Kafka.',
    }),
  );

const throttledReplicas: Validator = {
  check: (value) => {
    const entries = value as readonly string[];
    if (entries.length === 1 && entries[0] === '*') return undefined;
    const strange = entries.find((it) => !/^\d+:\d+$/.test(it));
    return strange === undefined
      ? undefined
      : `${strange} is not of the form partition:broker, and * stands alone`;
  },
  text: '[partition]:[broker],... or *',
};

export const topicKeys = {
  'cleanup.policy': sameAs('log.cleanup.policy'),
  'compression.type': sameAs('compression.type'),
  'delete.retention.ms': sameAs('log.cleaner.delete.retention.ms'),
  'file.delete.delay.ms': sameAs('log.segment.delete.delay.ms'),
  'flush.messages': sameAs('log.flush.interval.messages'),
  'flush.ms': sameAs('log.flush.interval.ms'),
  'index.interval.bytes': sameAs('log.index.interval.bytes'),
  'max.compaction.lag.ms': sameAs('log.cleaner.max.compaction.lag.ms'),
  'max.message.bytes': sameAs('message.max.bytes'),
  'message.timestamp.after.max.ms': sameAs('log.message.timestamp.after.max.ms'),
  'message.timestamp.before.max.ms': sameAs('log.message.timestamp.before.max.ms'),
  'message.timestamp.type': sameAs('log.message.timestamp.type'),
  'min.cleanable.dirty.ratio': sameAs('log.cleaner.min.cleanable.ratio'),
  'min.compaction.lag.ms': sameAs('log.cleaner.min.compaction.lag.ms'),
  'min.insync.replicas': sameAs('min.insync.replicas'),
  'retention.bytes': sameAs('log.retention.bytes'),
  // A topic may ask for 0, which empties it; a broker may not.
  'retention.ms': sameAs('log.retention.ms', atLeast(-1)),
  'segment.bytes': sameAs('log.segment.bytes'),
  'segment.index.bytes': sameAs('log.index.size.max.bytes'),
  'segment.jitter.ms': sameAs('log.roll.jitter.ms'),
  'segment.ms': sameAs('log.roll.ms'),
  'unclean.leader.election.enable': sameAs('unclean.leader.election.enable'),
  'compression.gzip.level': level(-1, -1, 9),
  'compression.lz4.level': level(9, 1, 17),
  'compression.zstd.level': level(3, -131_072, 22),
  preallocate: ofTopicsOnly(
    boolean(false, {
      noEffect: 'files grow as they are written: nothing was gained by preallocating',
      doc: 'Whether segment files are made at full size in Kafka.',
    }),
  ),
  'leader.replication.throttled.replicas': ofTopicsOnly(
    list([], {
      updateMode: 'cluster-wide',
      valid: throttledReplicas,
      doc: 'Replicas, as partition:broker, or * for all, whose copying is throttled where they are copied from while they are not in sync (leader.replication.throttled.rate).',
    }),
  ),
  'follower.replication.throttled.replicas': ofTopicsOnly(
    list([], {
      updateMode: 'cluster-wide',
      valid: throttledReplicas,
      doc: 'Replicas, as partition:broker, or * for all, whose copying is throttled where they are copied to while they are not in sync (follower.replication.throttled.rate).',
    }),
  ),
} as const;

export type TopicKey = keyof typeof topicKeys;
export type TopicConfig = { readonly [K in TopicKey]: ValueOf<(typeof topicKeys)[K]['key']> };

export const isTopicKey = (name: string): name is TopicKey => Object.hasOwn(topicKeys, name);

export const topicRow = (name: TopicKey): TopicKeyRow => topicKeys[name];
