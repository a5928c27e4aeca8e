/** Consumer groups and the topic that keeps their offsets. */
import { INT_MAX, atLeast, int, long, short } from '../key.ts';

export const groupKeys = {
  'group.min.session.timeout.ms': int(6000, {
    doc: 'The shortest session timeout that a member may ask for.',
  }),
  'group.max.session.timeout.ms': int(1_800_000, {
    doc: 'The longest session timeout that a member may ask for.',
  }),
  'group.initial.rebalance.delay.ms': int(3000, {
    valid: atLeast(0),
    doc: 'How long the first rebalance of an empty group waits for more members to come. Tests and lone consumers like 0.',
  }),
  'group.max.size': int(INT_MAX, { valid: atLeast(1), doc: 'The most members of one group.' }),
  'offset.metadata.max.bytes': int(4096, {
    importance: 'high',
    valid: atLeast(0),
    doc: 'The longest note that a member may leave with an offset.',
  }),
  'offsets.commit.timeout.ms': int(5000, {
    importance: 'high',
    valid: atLeast(1),
    doc: "How long a group's write may wait for the in-sync replicas of the offsets topic.",
  }),
  'offsets.load.buffer.size': int(5 * 1024 ** 2, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'How much of the offsets topic is read at a time when a coordinator loads its groups.',
  }),
  'offsets.retention.minutes': int(10_080, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'How long the offsets of an empty group are kept; for a group without membership, how long after the commit.',
  }),
  'offsets.retention.check.interval.ms': long(600_000, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'How often expired offsets are looked for.',
  }),
  'offsets.topic.num.partitions': int(50, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'Partitions of __consumer_offsets, fixed when it is created.',
  }),
  'offsets.topic.replication.factor': short(3, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'Replicas of __consumer_offsets. When it is not set, an ensemble of fewer voters uses their number: Kafka would refuse to serve groups there.',
  }),
  'offsets.topic.segment.bytes': int(100 * 1024 ** 2, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'Segment size of __consumer_offsets; small, so that it is compacted often and loads fast.',
  }),
} as const;
