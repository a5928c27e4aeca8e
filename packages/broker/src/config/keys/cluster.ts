/** How brokers of one cluster find out that one of them is gone, and follow one another's logs. */
import { atLeast, boolean, int } from '../key.ts';

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
  'unclean.leader.election.enable': boolean(false, {
    importance: 'high',
    updateMode: 'cluster-wide',
    doc: 'Whether a replica that is not in sync may lead when no other is left, at the price of acknowledged records.',
  }),
} as const;
