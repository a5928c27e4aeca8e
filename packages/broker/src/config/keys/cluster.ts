/** How brokers of one cluster find out that one of them is gone, and follow one another's logs. */
import { UNLIMITED, atLeast, boolean, int, long, string } from '../key.ts';
import type { Validator } from '../key.ts';

/** Kafka's two; others would be Java. */
const SELECTORS = {
  'org.apache.kafka.common.replica.LeaderSelector': 'leader',
  'org.apache.kafka.common.replica.RackAwareReplicaSelector': 'rack',
} as const;

/** Which replica clients are sent to. */
export const replicaSelectorOf = (className: string | null): 'leader' | 'rack' =>
  className === null ? 'leader' : (SELECTORS[className as keyof typeof SELECTORS] ?? 'leader');

const knownSelector: Validator = {
  check: (value) =>
    Object.hasOwn(SELECTORS, value as string)
      ? undefined
      : `must be one of ${Object.keys(SELECTORS).join(', ')}`,
  text: Object.keys(SELECTORS).join(', '),
};

export const clusterKeys = {
  'controller.quorum.election.timeout.ms': int(1000, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'A voter that knows no leader waits so long, and at most twice as long, before it stands for election.',
  }),
  'controller.quorum.fetch.timeout.ms': int(2000, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'A voter that does not get through to the leader for so long stands for election.',
  }),
  'broker.heartbeat.interval.ms': int(2000, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'How often a broker is heard of by the controller.',
  }),
  'broker.session.timeout.ms': int(9000, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'A broker that is not heard of for so long is fenced, and others lead what it led.',
  }),
  'odradek.broker.link.loss.timeout.ms': int(300, {
    valid: atLeast(1),
    doc: 'The same for a broker whose connection to the controller broke: a process that ends is found out at once, one that hangs by its session.',
  }),
  'replica.fetch.min.bytes': int(1, {
    importance: 'high',
    valid: atLeast(0),
    doc: "What a leader waits for before it answers a follower's fetch, within replica.fetch.wait.max.ms.",
  }),
  'replica.fetch.max.bytes': int(1024 ** 2, {
    valid: atLeast(0),
    doc: 'What a follower asks for, a partition. One batch comes however large it is.',
  }),
  'replica.fetch.response.max.bytes': int(10 * 1024 ** 2, {
    valid: atLeast(0),
    doc: 'What a follower asks for in all.',
  }),
  'replica.fetch.backoff.ms': int(1000, {
    valid: atLeast(0),
    doc: 'How long a follower rests after a fetch that failed.',
  }),
  'replica.selector.class': string(null, {
    valid: knownSelector,
    doc: "Which replica a client that names its rack (client.rack) is sent to by the leader: the leader, which is the default, or one in the client's rack that is in sync. Of Kafka's classes the names alone: no other can be loaded.",
  }),
  'leader.replication.throttled.rate': long(UNLIMITED, {
    updateMode: 'per-broker',
    valid: atLeast(0),
    doc: 'Bytes a second that this broker, as a leader, gives to replicas that the topics name in leader.replication.throttled.replicas and that are not in sync.',
  }),
  'follower.replication.throttled.rate': long(UNLIMITED, {
    updateMode: 'per-broker',
    valid: atLeast(0),
    doc: 'Bytes a second that this broker, as a follower, takes for replicas that the topics name in follower.replication.throttled.replicas and that are not in sync.',
  }),
  'auto.leader.rebalance.enable': boolean(true, {
    importance: 'high',
    doc: 'Whether leaderships go back by themselves to the replicas that are named first, once those are in sync.',
  }),
  'leader.imbalance.check.interval.seconds': long(300, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'How often the controller looks whether they should.',
  }),
  'leader.imbalance.per.broker.percentage': int(10, {
    importance: 'high',
    valid: atLeast(0),
    doc: 'How many of the partitions that name a broker first may be led by others before its leaderships are given back. Apache Kafka itself looks at this no more since it has no ZooKeeper.',
  }),
  'unclean.leader.election.enable': boolean(false, {
    importance: 'high',
    updateMode: 'cluster-wide',
    doc: 'Whether a replica that is not in sync may lead when no other is left, at the price of acknowledged records.',
  }),
} as const;
