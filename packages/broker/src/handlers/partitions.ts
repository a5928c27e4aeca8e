/** Finds the partition that a request names, by topic name or by topic id, or says with which code it cannot be had. */
import { ErrorCode, type Uuid } from '@odradek/protocol';
import type { PartitionAssignment, PartitionReplica } from '@odradek/replication';
import type { TopicImage } from '../metadata/image.ts';
import type { BrokerServices } from '../services.ts';

export type FoundPartition =
  | {
      readonly ok: true;
      readonly topic: TopicImage;
      readonly assignment: PartitionAssignment;
      readonly replica: PartitionReplica;
    }
  | { readonly ok: false; readonly errorCode: ErrorCode; readonly message: string | null };

/** `topicId` null: by name. */
export const findPartition = (
  broker: BrokerServices,
  topicId: Uuid | null,
  topicName: string,
  partition: number,
): FoundPartition => {
  const topic =
    topicId === null ? broker.image.topics.get(topicName) : broker.image.topicsById.get(topicId);
  if (topic === undefined) {
    return {
      ok: false,
      errorCode:
        topicId === null ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.UNKNOWN_TOPIC_ID,
      message: null,
    };
  }
  const assignment = topic.partitions[partition];
  if (assignment === undefined) {
    return { ok: false, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: null };
  }
  const replica = broker.replicas.get(topic.name, partition);
  if (replica === undefined) {
    return { ok: false, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, message: null };
  }
  return { ok: true, topic, assignment, replica };
};
