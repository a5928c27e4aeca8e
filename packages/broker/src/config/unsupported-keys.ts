/**
 * Keys that are Kafka's and that this version does not serve. They are told from misspellings, so that the message can say which of the
 * two it is; both are refused. A key moves from here into the table when what it governs is built.
 */
import { brokerKeys } from './broker-keys.ts';
import { topicKeys } from './topic-keys.ts';

/** All keys below a prefix, and what they belong to. */
const families: readonly (readonly [prefix: string, what: string])[] = [
  ['ssl.', 'TLS'],
  ['sasl.', 'SASL'],
  ['listener.name.', 'settings by listener'],
  ['delegation.token.', 'delegation tokens'],
  ['group.consumer.', 'the consumer group protocol of KIP-848'],
  ['group.share.', 'share groups'],
  ['group.streams.', 'streams groups'],
  ['share.', 'share groups'],
  ['remote.', 'tiered storage'],
  ['rsm.config.', 'tiered storage'],
  ['rlmm.config.', 'tiered storage'],
  ['local.retention.', 'tiered storage'],
  ['log.local.retention.', 'tiered storage'],
  ['metadata.log.', 'settings of the metadata log'],
  ['metadata.max.', 'settings of the metadata log'],
  ['controller.quorum.', 'finer settings of the quorum'],
  ['controller.performance.', 'controller statistics'],
  ['quota.', 'quotas'],
  ['controller.quota.', 'quotas'],
  ['replication.quota.', 'quotas'],
  ['alter.log.dirs.replication.quota.', 'quotas'],
  ['client.quota.', 'quotas'],
  ['config.providers', 'configuration providers'],
  ['metrics.', "Kafka's metrics reporters (ours are served at /metrics)"],
  ['kafka.metrics.', "Kafka's metrics reporters (ours are served at /metrics)"],
  ['zookeeper.', 'ZooKeeper, which Kafka itself has left'],
];

const singles: Readonly<Record<string, string>> = {
  'alter.config.policy.class.name': 'policies in Java',
  'authorizer.class.name': 'authorization',
  'connection.failed.authentication.delay.ms': 'authentication',
  'connections.max.reauth.ms': 'authentication',
  'controller.socket.timeout.ms': 'several brokers',
  'create.topic.policy.class.name': 'policies in Java',
  'delete.records.purgatory.purge.interval.requests': 'purgatories',
  'early.start.listeners': 'authorization',
  'fetch.purgatory.purge.interval.requests': 'purgatories',
  'group.coordinator.append.linger.ms': 'a linger of its own for group writes',
  'initial.broker.registration.timeout.ms': 'several brokers',
  'log.cleaner.io.buffer.load.factor': 'a fixed key table in compaction',
  'log.cleaner.io.max.bytes.per.second': 'a throttle for compaction',
  'log.dir.failure.timeout.ms': 'several data folders',
  'log.flush.start.offset.checkpoint.interval.ms': 'a checkpoint of its own for log start offsets',
  'log.initial.task.delay.ms': 'a setting that Kafka keeps for its tests',
  'log.preallocate': 'files made at full size',
  'max.connection.creation.rate': 'a rate limit for new connections',
  'max.connections.per.ip.overrides': 'limits by address',
  'metric.reporters': "Kafka's metrics reporters (ours are served at /metrics)",
  'num.replica.alter.log.dirs.threads': 'several data folders',
  'offsets.topic.compression.codec': 'compression of the offsets topic',
  'principal.builder.class': 'authentication',
  'producer.purgatory.purge.interval.requests': 'purgatories',
  'queued.max.request.bytes': 'a limit in bytes for waiting requests',
  'replica.alter.log.dirs.io.max.bytes.per.second': 'several data folders',
  'replica.socket.receive.buffer.bytes': 'several brokers',
  'replica.socket.timeout.ms': 'several brokers',
  'request.timeout.ms': 'several brokers',
  'security.inter.broker.protocol': 'several brokers',
  'security.providers': 'security providers in Java',
  'server.max.startup.time.ms': 'a limit for the start',
  'socket.connection.setup.timeout.max.ms': 'several brokers',
  'socket.connection.setup.timeout.ms': 'several brokers',
  'telemetry.max.bytes': 'client telemetry',
  'compression.gzip.level': 'compression levels',
  'compression.lz4.level': 'compression levels',
  'compression.zstd.level': 'compression levels',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 'transactions',
  'transaction.partition.verification.enable': 'transactions',
  'transaction.remove.expired.transaction.cleanup.interval.ms': 'transactions',
  'transaction.state.log.load.buffer.size': 'transactions',
  'transaction.state.log.segment.bytes': 'transactions',
  'transaction.two.phase.commit.enable': 'transactions',
  'unclean.leader.election.interval.ms': 'several brokers',
  'unstable.api.versions.enable': 'unreleased APIs',
  'unstable.feature.versions.enable': 'unreleased features',
};

/** Every unsupported name and family, for the documentation. */
export const unsupportedKeys = (): readonly { readonly name: string; readonly what: string }[] =>
  [
    ...families.map(([prefix, what]) => ({
      name: prefix.endsWith('.') ? `${prefix}*` : prefix,
      what,
    })),
    ...Object.entries(singles).map(([name, what]) => ({ name, what })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Why a name that is in no table is refused, as a sentence; `table` says where a near miss is looked for. */
export function explainRefusedKey(name: string, table: 'broker' | 'topic'): string {
  const what =
    (Object.hasOwn(singles, name) ? singles[name] : undefined) ??
    families.find(([prefix]) => name.startsWith(prefix))?.[1];
  if (what !== undefined)
    return `${name} is Kafka's and belongs to ${what}, which this version does not support`;
  const names = Object.keys(table === 'broker' ? brokerKeys : topicKeys);
  const near = nearest(name, names);
  if (near !== undefined) return `${name} is not a configuration key; did you mean ${near}?`;
  return `${name} is not a configuration key${elsewhere(name, table)}`;
}

/** A topic's key given to a broker, or the other way round, is an easy mistake that can be named. */
function elsewhere(name: string, table: 'broker' | 'topic'): string {
  if (table === 'topic' && Object.hasOwn(brokerKeys, name)) return " of a topic: it is a broker's";
  if (table === 'broker' && Object.hasOwn(topicKeys, name)) {
    const { synonym } = topicKeys[name as keyof typeof topicKeys];
    return ` of a broker: it is a topic's${synonym === undefined ? '' : `, and the broker's default for it is ${synonym}`}`;
  }
  return '';
}

/** The known name with the fewest letters to change, if they are few enough to be a slip. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 5));
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const candidate of names) {
    const distance = editDistance(
      name.toLowerCase(),
      candidate,
      best === undefined ? limit : best.distance - 1,
    );
    if (distance !== undefined) best = { name: candidate, distance };
  }
  return best?.name;
}

/** Levenshtein's distance; undefined as soon as it must pass `limit`. */
function editDistance(a: string, b: string, limit: number): number | undefined {
  if (limit < 0 || Math.abs(a.length - b.length) > limit) return undefined;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(
        Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + change),
      );
    }
    if (Math.min(...row) > limit) return undefined;
    previous = row;
  }
  const distance = previous[b.length] ?? 0;
  return distance <= limit ? distance : undefined;
}
