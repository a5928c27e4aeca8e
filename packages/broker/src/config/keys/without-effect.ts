/**
 * Keys of Kafka that its stock files contain and that can change nothing here. They are taken, checked and said in a warning, so that such
 * a file works; a key whose absence could harm somebody who relies on it is not among them but in unsupported-keys.ts.
 */
import { atLeast, boolean, int, list, listOf, short, string } from '../key.ts';
import type { ConfigKey } from '../key.ts';

const THREADS = 'a broker runs on one thread';
const ALONE = 'a broker that runs alone talks to no other';
const TRANSACTIONS = 'this version has no transactions';

const threads = (count: number): ConfigKey<number> =>
  int(count, { valid: atLeast(0), noEffect: THREADS, doc: 'A number of threads in Kafka.' });

export const keysWithoutEffect = {
  'num.network.threads': threads(3),
  'num.io.threads': threads(8),
  'background.threads': threads(10),
  'num.recovery.threads.per.data.dir': threads(2),
  'num.replica.fetchers': threads(1),
  'log.cleaner.threads': threads(1),
  'group.coordinator.threads': threads(4),
  'socket.send.buffer.bytes': int(102_400, {
    noEffect: 'the system sizes socket buffers by itself',
    doc: 'The send buffer of a socket in Kafka.',
  }),
  'socket.receive.buffer.bytes': int(102_400, {
    noEffect: 'the system sizes socket buffers by itself',
    doc: 'The receive buffer of a socket in Kafka.',
  }),
  'socket.listen.backlog.size': int(50, {
    valid: atLeast(1),
    noEffect: "Node's own backlog is used",
    doc: 'Connections that wait to be accepted in Kafka.',
  }),
  'log.cleaner.io.buffer.size': int(524_288, {
    valid: atLeast(0),
    noEffect: 'compaction reads batch by batch',
    doc: 'A buffer of the cleaner in Kafka.',
  }),
  'controller.listener.names': list([], {
    importance: 'high',
    valid: listOf([], { mayBeEmpty: true }),
    noEffect: `${ALONE}; the listeners it names are not opened`,
    doc: 'The listeners of the controller in Kafka.',
  }),
  'inter.broker.listener.name': string(null, {
    noEffect: ALONE,
    doc: 'The listener that brokers use among themselves in Kafka.',
  }),
  'group.coordinator.rebalance.protocols': list(['classic'], {
    valid: listOf(['classic'], { mayBeEmpty: false }),
    noEffect: 'classic groups are served, and only they can be named',
    doc: 'The kinds of groups that are served.',
  }),
  'producer.id.expiration.check.interval.ms': int(600_000, {
    importance: 'low',
    valid: atLeast(1),
    noEffect:
      'silent producers are looked for together with old segments (log.retention.check.interval.ms)',
    doc: 'How often forgotten producers are looked for in Kafka.',
  }),
  'controlled.shutdown.enable': boolean(true, {
    noEffect: ALONE,
    doc: 'Whether a broker that stops hands its leaderships over first in Kafka.',
  }),
  'transaction.state.log.replication.factor': short(3, {
    importance: 'high',
    valid: atLeast(1),
    noEffect: TRANSACTIONS,
    doc: 'Replicas of __transaction_state in Kafka.',
  }),
  'transaction.state.log.min.isr': int(2, {
    importance: 'high',
    valid: atLeast(1),
    noEffect: TRANSACTIONS,
    doc: 'min.insync.replicas of __transaction_state in Kafka.',
  }),
  'transaction.state.log.num.partitions': int(50, {
    importance: 'high',
    valid: atLeast(1),
    noEffect: TRANSACTIONS,
    doc: 'Partitions of __transaction_state in Kafka.',
  }),
  'transactional.id.expiration.ms': int(604_800_000, {
    importance: 'high',
    valid: atLeast(1),
    noEffect: TRANSACTIONS,
    doc: 'How long an idle transactional id is remembered in Kafka.',
  }),
  'transaction.max.timeout.ms': int(900_000, {
    importance: 'high',
    valid: atLeast(1),
    noEffect: TRANSACTIONS,
    doc: 'The longest transaction timeout in Kafka.',
  }),
  'share.coordinator.state.topic.replication.factor': short(3, {
    importance: 'high',
    valid: atLeast(1),
    noEffect: 'this version has no share groups',
    doc: 'Replicas of __share_group_state in Kafka.',
  }),
  'share.coordinator.state.topic.min.isr': short(2, {
    importance: 'high',
    valid: atLeast(1),
    noEffect: 'this version has no share groups',
    doc: 'min.insync.replicas of __share_group_state in Kafka.',
  }),
} as const;
