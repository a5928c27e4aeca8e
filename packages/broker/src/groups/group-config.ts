/** What the groups' coordinator is told of the configuration. */
import { defaultGroupLimits, type GroupConfig } from '@odradek/coordinator';
import { OFFSETS_TOPIC } from '../internal-topics.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { Settings } from '../settings.ts';

/** Asked for at each heartbeat: made anew only when the settings or the topic changed. */
export const rememberingGroupConfig = (
  settings: Settings,
  image: MetadataImage,
): (() => GroupConfig) => {
  let madeFrom: unknown[] = [];
  let made: GroupConfig | undefined;
  return () => {
    const from = [settings.broker, image.topics.get(OFFSETS_TOPIC)];
    if (made === undefined || from.some((it, i) => it !== madeFrom[i])) {
      made = groupConfigOf(settings, image);
      madeFrom = from;
    }
    return made;
  };
};

const groupConfigOf = (settings: Settings, image: MetadataImage): GroupConfig => {
  const config = settings.broker;
  return {
    minSessionTimeoutMs: config['group.min.session.timeout.ms'],
    maxSessionTimeoutMs: config['group.max.session.timeout.ms'],
    initialRebalanceDelayMs: config['group.initial.rebalance.delay.ms'],
    groupMaxSize: config['group.max.size'],
    offsetsRetentionMinutes: config['offsets.retention.minutes'],
    offsetsRetentionCheckIntervalMs: config['offsets.retention.check.interval.ms'],
    offsetMetadataMaxBytes: config['offset.metadata.max.bytes'],
    // A group lives where it was put when the topic was made, whatever the key says now.
    offsetsTopicPartitions:
      image.topics.get(OFFSETS_TOPIC)?.partitions.length ?? config['offsets.topic.num.partitions'],
    offsetsCommitTimeoutMs: config['offsets.commit.timeout.ms'],
    limits: { ...defaultGroupLimits, groupsMax: config['odradek.max.groups'] },
  };
};
