/**
 * Notes for brokers whose replicas leave a partition: the files that they have of it are theirs to remove, also if they are
 * down now and come back when nobody speaks of the partition any more. One note a topic, as for topics that are deleted; the
 * mere absence from a list allows nothing (replica-manager.ts).
 */
import type { NodeId, Uuid } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import type { PartitionAssignment } from '@odradek/replication';
import type { MetadataImage } from '../metadata/image.ts';
import { decodeNode, encodeNode } from '../metadata/nodes.ts';
import { deletionPath, parsePath } from '../metadata/paths.ts';

/** The operations, and the notes that follow from the changes of partitions among them. */
export const withRemovalNotes = (
  ops: readonly TreeOp[],
  image: MetadataImage,
): readonly TreeOp[] => {
  const leaving = new Map<string, { node: NodeId; topic: string; partitions: number[] }>();
  for (const op of ops) {
    if (op.op !== 'set' || op.value === undefined) continue;
    const at = parsePath(op.path);
    if (at.kind !== 'partition') continue;
    const known = image.partition(at.topic, at.partition);
    const next = decodeNode<PartitionAssignment>(op.value);
    for (const node of known?.replicas ?? []) {
      // One that is not registered has no place for notes: it is gone for good.
      if (next.replicas.includes(node) || !image.brokers.has(node)) continue;
      const key = `${node}/${at.topic}`;
      const note = leaving.get(key);
      if (note === undefined)
        leaving.set(key, { node, topic: at.topic, partitions: [at.partition] });
      else note.partitions.push(at.partition);
    }
  }
  if (leaving.size === 0) return ops;
  return [
    ...ops,
    ...[...leaving.values()].map(({ node, topic, partitions }) =>
      noteOp(image, node, image.topics.get(topic)!.topicId, topic, partitions),
    ),
  ];
};

/** Adds to what is noted already. */
export const noteOp = (
  image: MetadataImage,
  node: NodeId,
  topicId: Uuid,
  topic: string,
  partitions: readonly number[],
): TreeOp => {
  const known = image.deletions.get(`${node}/${topicId}`);
  const all = [...new Set([...(known?.partitions ?? []), ...partitions])].sort((a, b) => a - b);
  return {
    op: known === undefined ? 'create' : 'set',
    path: deletionPath(node, topicId),
    value: encodeNode({ topic, partitions: all }),
  };
};
