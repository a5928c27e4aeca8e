/**
 * What lies in the folders when this broker starts and belongs to no replica of it any more. What is noted under /deletions is
 * removed; anything else is reported, and left: that the metadata does not know a folder allows nothing.
 */
import { folderOf } from '@odradek/log';
import type { FileEntry, Logger, Volume } from '@odradek/ports';
import type { NodeId } from '@odradek/protocol';
import type { MetadataImage, PendingDeletion } from '../metadata/image.ts';
import type { PartitionFolders } from './partition-folders.ts';
import type { ReplicaCheckpoints } from './replica-checkpoints.ts';
import { removeAside } from './set-aside.ts';

export interface LeftoversOptions {
  readonly nodeId: NodeId;
  readonly volume: Volume;
  readonly image: MetadataImage;
  readonly logger: Logger;
  readonly folders: PartitionFolders;
  readonly checkpoints: ReplicaCheckpoints;
}

/** What a deletion, or a move, before the last stop left over. Takes what it removes out of `filesByFolder`. */
export const finishDeletions = async (
  { nodeId, volume, image, logger, folders, checkpoints }: LeftoversOptions,
  filesByFolder: Map<string, FileEntry[]>,
): Promise<readonly PendingDeletion[]> => {
  const own = `${nodeId}/`;
  const finished: PendingDeletion[] = [];
  for (const [path, deletion] of image.deletions) {
    if (!path.startsWith(own)) continue;
    try {
      for (const partition of deletion.partitions) {
        // It came back to this broker after it had been taken away.
        if (isPlacedOn(nodeId, image, deletion, partition)) continue;
        const folder = folderOf(deletion.topic, partition);
        const owner = await folders.ownerOf(folder);
        // A topic of the same name has been made since: neither its folder nor what is noted of it is ours to remove.
        if (owner !== undefined && owner !== deletion.topicId) continue;
        checkpoints.forget(deletion.topic, partition);
        await removeAside(volume, { ...deletion, partition });
        if (owner === undefined && image.topics.has(deletion.topic)) continue;
        await folders.remove(folder, filesByFolder.get(folder) ?? []);
        filesByFolder.delete(folder);
      }
      finished.push(deletion);
    } catch (error) {
      logger.error('files of a deleted topic could not be removed', {
        topic: deletion.topic,
        error,
      });
    }
  }
  return finished;
};

export const reportStrays = (
  filesByFolder: ReadonlyMap<string, unknown>,
  isHosted: (topic: string, partition: number) => boolean,
  logger: Logger,
): void => {
  for (const folder of filesByFolder.keys()) {
    const match = /^(.+)-(\d+)$/.exec(folder);
    if (match === null || folder.startsWith('__cluster_metadata-')) continue;
    if (isHosted(match[1]!, Number(match[2]))) continue;
    logger.warn('a partition folder that the metadata does not know was left alone', { folder });
  }
};

const isPlacedOn = (
  nodeId: NodeId,
  image: MetadataImage,
  { topic, topicId }: PendingDeletion,
  partition: number,
): boolean =>
  image.topics.get(topic)?.topicId === topicId &&
  image.partition(topic, partition)?.replicas.includes(nodeId) === true;
