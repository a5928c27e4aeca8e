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
  'replica.lag.time.max.ms': long(30_000, {
    importance: 'high',
    doc: "A follower that has not caught up with its leader's end for so long leaves the in-sync set.",
  }),
  'replica.fetch.wait.max.ms': int(500, {
    importance: 'high',
    doc: "How long a leader may hold a follower's fetch that finds nothing new.",
  }),
  'replica.high.watermark.checkpoint.interval.ms': long(5000, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'How often high watermarks are written to disk.',
  }),
} as const;
