/**
 * Snapshots on the disk, under KRaft's names: `<first offset not in it>-<epoch of the last one in it>.checkpoint`. The log's
 * beginning goes only as far as the older of the two that are kept, so that one damaged snapshot costs nothing but time.
 */
import type { Crc32c, Logger, Volume } from '@odradek/ports';
import { leaderEpoch, offset, type Offset } from '@odradek/protocol';
import { QuorumError } from '../errors.ts';
import { SNAPSHOTS_KEPT } from '../limits.ts';
import type { ReadonlyTree } from '../tree/node.ts';
import {
  decodeSnapshot,
  encodeSnapshot,
  type SnapshotId,
  type TreeSnapshot,
} from '../tree/snapshot.ts';

const NAME = /\/(\d{20})-(\d{10})\.checkpoint$/;

interface SnapshotFile extends SnapshotId {
  readonly name: string;
}

export class SnapshotFiles {
  readonly #volume: Volume;
  readonly #folder: string;
  readonly #crc32c: Crc32c;
  readonly #logger: Logger;
  #kept: readonly SnapshotId[] | undefined;
  #served: { readonly name: string; readonly bytes: Uint8Array } | undefined;

  constructor(options: { volume: Volume; folder: string; crc32c: Crc32c; logger: Logger }) {
    this.#volume = options.volume;
    this.#folder = options.folder;
    this.#crc32c = options.crc32c;
    this.#logger = options.logger;
  }

  /** The newest that is sound; undefined where there is none. Whether the log makes up for it, the caller knows. */
  async load(): Promise<TreeSnapshot | undefined> {
    for (const { name } of await this.#newestFirst()) {
      try {
        const bytes = await this.#volume.readSmall(name);
        if (bytes !== undefined) return decodeSnapshot(bytes, this.#crc32c, name);
      } catch (error) {
        if (!(error instanceof QuorumError) || error.kind !== 'corrupt') throw error;
        this.#logger.error('a snapshot of the metadata is damaged, and is passed over', {
          file: name,
          error,
        });
      }
    }
    return undefined;
  }

  /** Resolves to the offset before which the log is no longer needed. */
  async save(tree: ReadonlyTree, id: SnapshotId, voters?: Uint8Array): Promise<Offset> {
    return await this.saveBytes(encodeSnapshot(tree, id, this.#crc32c, voters), id);
  }

  /** The same, of a snapshot that another member has made. */
  async saveBytes(bytes: Uint8Array, id: SnapshotId): Promise<Offset> {
    await this.#volume.replace(fileName(this.#folder, id), bytes);
    this.#kept = undefined;
    const files = await this.#newestFirst();
    for (const { name } of files.slice(SNAPSHOTS_KEPT)) await this.#volume.remove(name);
    this.#kept = undefined;
    const oldest = files[SNAPSHOTS_KEPT - 1];
    return oldest?.nextOffset ?? offset(0);
  }

  /** Which there are, the newest first. */
  async kept(): Promise<readonly SnapshotId[]> {
    this.#kept ??= (await this.#newestFirst()).slice(0, SNAPSHOTS_KEPT);
    return this.#kept;
  }

  /** The bytes of one that is (still) kept. The last one asked for stays in memory: it is read in pieces. */
  async bytesOf(id: SnapshotId): Promise<Uint8Array | undefined> {
    const name = fileName(this.#folder, id);
    if (this.#served?.name === name) return this.#served.bytes;
    const bytes = await this.#volume.readSmall(name);
    this.#served = bytes === undefined ? undefined : { name, bytes };
    return bytes;
  }

  /** Nobody reads pieces any more. */
  forgetServed(): void {
    this.#served = undefined;
  }

  /** Throws QuorumError. */
  decode(bytes: Uint8Array, id: SnapshotId): TreeSnapshot {
    const name = fileName(this.#folder, id);
    const snapshot = decodeSnapshot(bytes, this.#crc32c, name);
    if (snapshot.nextOffset !== id.nextOffset || snapshot.epoch !== id.epoch)
      throw new QuorumError('corrupt', `snapshot ${name} is another's under its name`);
    return snapshot;
  }

  async #newestFirst(): Promise<SnapshotFile[]> {
    const entries = await this.#volume.list(`${this.#folder}/`);
    const files: SnapshotFile[] = [];
    for (const { name } of entries) {
      const parts = NAME.exec(name);
      if (parts !== null)
        files.push({
          name,
          nextOffset: offset(Number(parts[1])),
          epoch: leaderEpoch(Number(parts[2])),
        });
    }
    return files.sort((a, b) => b.nextOffset - a.nextOffset || b.epoch - a.epoch);
  }
}

const fileName = (folder: string, { nextOffset, epoch }: SnapshotId): string =>
  `${folder}/${String(nextOffset).padStart(20, '0')}-${String(Math.max(epoch, 0)).padStart(10, '0')}.checkpoint`;
