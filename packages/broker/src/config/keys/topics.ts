/** How topics come into being, and what their partitions ask of replicas. */
import { atLeast, between, boolean, int, long } from '../key.ts';

export const topicDefaultKeys = {
  'auto.create.topics.enable': boolean(true, {
    importance: 'high',
    doc: 'Whether a topic that a client asks for in Metadata is created when it does not exist.',
  }),
  'delete.topic.enable': boolean(true, {
    importance: 'high',
    doc: 'Whether DeleteTopics is allowed.',
  }),
  'num.partitions': int(1, {
    valid: atLeast(1),
    doc: 'Partitions of a topic whose creator does not say.',
  }),
  'default.replication.factor': int(1, {
    valid: between(1, 32_767),
    doc: 'Replicas of a topic whose creator does not say.',
  }),
  'min.insync.replicas': int(1, {
    importance: 'high',
    updateMode: 'cluster-wide',
    valid: atLeast(1),
    doc: 'With fewer replicas in sync, a write with acks=all is refused.',
  }),
  'unclean.leader.election.enable': boolean(false, {
    importance: 'high',
    updateMode: 'cluster-wide',
    doc: 'Whether a replica that is not in sync may lead when no other is left, at the price of records that were acknowledged.',
  }),
  'controlled.shutdown.enable': boolean(true, {
    doc: 'Whether a broker that is told to stop hands its leaderships over first.',
  }),
  'replica.lag.time.max.ms': long(30_000, {
    importance: 'high',
    doc: "A follower that has not caught up with its leader's end for so long leaves the in-sync set.",
  }),
  'replica.fetch.wait.max.ms': int(500, {
    importance: 'high',
    doc: "How long a leader may hold a follower's fetch that finds nothing new.",
  }),
  'replica.fetch.min.bytes': int(1, {
    importance: 'high',
    doc: "What a leader waits for before it answers a follower's fetch.",
  }),
  'replica.fetch.max.bytes': int(1024 ** 2, {
    valid: atLeast(0),
    doc: 'What a follower asks for, a partition.',
  }),
  'replica.fetch.response.max.bytes': int(10 * 1024 ** 2, {
    valid: atLeast(0),
    doc: 'What a follower asks for, all its partitions together.',
  }),
  'replica.fetch.backoff.ms': int(1000, {
    valid: atLeast(0),
    doc: 'How long a follower rests after a fetch that failed.',
  }),
  'replica.high.watermark.checkpoint.interval.ms': long(5000, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'How often high watermarks are written to disk.',
  }),
} as const;
