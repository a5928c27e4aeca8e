import type { Volume } from '@odradek/ports';
import { takeWebLock } from '../web-lock.ts';
import { Database, type Durability } from './database.ts';
import { IndexedDbVolume } from './indexeddb-volume.ts';

export interface IndexedDbVolumeOptions {
  /** Of the database, made when absent. */
  readonly name: string;
  /**
   * strict: a commit waits for the disk, and the volume's durability is 'disk'. relaxed: it waits for the operating system alone, which
   * outlives the browser and not the machine ('os'); browsers write some seconds later. Strict unless told otherwise.
   */
  readonly durability?: Durability;
  /** How long another owner may take to end. */
  readonly lockWaitMs?: number;
  /** Takes it from its owner, of whom the caller has made sure that he hangs: when he wakes up, he writes nothing more. */
  readonly takeOver?: boolean;
  /** After that long without an answer the browser's storage is given up. */
  readonly openTimeoutMs?: number;
  readonly openFilesMax?: number;
}

/** IndexedDB knows no open files; this bounds what a user keeps track of. */
const OPEN_FILES_MAX_DEFAULT = 16_384;
const OPEN_TIMEOUT_MS_DEFAULT = 10_000;

/** Opens a database as a volume, in a page or a worker. VolumeError 'locked' when another page or worker has it open. */
export async function openIndexedDbVolume(options: IndexedDbVolumeOptions): Promise<Volume> {
  const {
    name,
    durability = 'strict',
    openTimeoutMs = OPEN_TIMEOUT_MS_DEFAULT,
    openFilesMax = OPEN_FILES_MAX_DEFAULT,
  } = options;
  const location = `indexeddb:${name}`;
  const lock = await takeWebLock(indexedDbLock(name), location, {
    ...(options.lockWaitMs !== undefined && { waitMs: options.lockWaitMs }),
    ...(options.takeOver === true && { steal: true }),
  });
  try {
    const database = await Database.open({ name, location, durability, openTimeoutMs });
    return new IndexedDbVolume(database, lock, {
      durability: database.durability === 'strict' ? 'disk' : 'os',
      openFilesMax,
      location,
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The Web Lock that its owner holds, for whoever must steal it from one that hangs. */
export const indexedDbLock = (name: string): string => `odradek-indexeddb:${name}`;
