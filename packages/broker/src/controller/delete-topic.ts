/**
 * Decides the deletion of one topic: it vanishes from the tree at once, and a note for every broker that holds replicas
 * says which files are to go. The note, not the mere absence of the topic, is what allows a broker to remove data: a
 * metadata log that lost its memory must never make brokers delete logs.
 */
import { ErrorCode, type NodeId } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import type { MetadataImage, TopicImage } from '../metadata/image.ts';
import { partitionPath, topicConfigPath, topicPath } from '../metadata/paths.ts';
import { decided, refuse, type Decision } from './outcome.ts';
import { noteOp } from './removal-notes.ts';

export const decideDeleteTopic = (
  topic: TopicImage,
  image: MetadataImage,
  isDeletionEnabled: boolean,
): Decision<readonly TreeOp[]> => {
  if (!isDeletionEnabled) {
    return refuse(
      ErrorCode.TOPIC_DELETION_DISABLED,
      'delete.topic.enable is false on this cluster',
    );
  }
  if (topic.isInternal) {
    return refuse(ErrorCode.INVALID_REQUEST, `"${topic.name}" is internal: groups live in it`);
  }
  const held = new Map<NodeId, number[]>();
  topic.partitions.forEach((assignment, partition) => {
    for (const replica of assignment.replicas) {
      const partitions = held.get(replica);
      if (partitions === undefined) held.set(replica, [partition]);
      else partitions.push(partition);
    }
  });
  const ops: TreeOp[] = topic.partitions.map((_, partition) => ({
    op: 'delete',
    path: partitionPath(topic.name, partition),
  }));
  ops.push({ op: 'delete', path: topicPath(topic.name) });
  if (image.topicConfigs.has(topic.name))
    ops.push({ op: 'delete', path: topicConfigPath(topic.name) });
  for (const [node, partitions] of held)
    ops.push(noteOp(image, node, topic.topicId, topic.name, partitions));
  return decided(ops);
};
