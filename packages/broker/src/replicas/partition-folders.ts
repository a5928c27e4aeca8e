/** The folders of partitions on this broker's volume, as far as their logs are not open: whose they are, and their removal. */
import { decodePartitionMetadata } from '@odradek/log';
import type { FileEntry, Volume } from '@odradek/ports';
import type { Uuid } from '@odradek/protocol';

/** In each partition's folder. */
export const PARTITION_METADATA = 'partition.metadata';

export class PartitionFolders {
  readonly #volume: Volume;

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  list(folder: string): Promise<readonly FileEntry[]> {
    return this.#volume.list(`${folder}/`);
  }

  /** The id of the topic that the folder's files belong to; undefined when nothing says it. */
  async ownerOf(folder: string): Promise<Uuid | undefined> {
    const metadata = await this.#volume.readSmall(`${folder}/${PARTITION_METADATA}`);
    return metadata === undefined ? undefined : decodePartitionMetadata(metadata);
  }

  /** The topic's id goes last: what an interrupted removal leaves is known for what it is. */
  async remove(folder: string, files: readonly FileEntry[]): Promise<void> {
    const last = `${folder}/${PARTITION_METADATA}`;
    for (const { name } of files) if (name !== last) await this.#volume.remove(name);
    await this.#volume.remove(last);
  }
}

/** A volume's files by the folder that they lie in; those that lie in none are left out. */
export const byFolder = (entries: readonly FileEntry[]): Map<string, FileEntry[]> => {
  const folders = new Map<string, FileEntry[]>();
  for (const entry of entries) {
    const slash = entry.name.indexOf('/');
    if (slash < 0) continue;
    const folder = entry.name.slice(0, slash);
    const files = folders.get(folder);
    if (files === undefined) folders.set(folder, [entry]);
    else files.push(entry);
  }
  return folders;
};
