import type { Volume } from '@odradek/ports';
import { takeWebLock } from '../web-lock.ts';
import { volumeError } from './errors.ts';
import type { Directory } from './handles.ts';
import { openFolder } from './opfs-volume.ts';

export type { Directory, FileHandle, SyncHandle } from './handles.ts';

export interface OpfsVolumeOptions {
  /** Of the folder, made when absent. */
  readonly name: string;
  /** How long another owner may take to end. */
  readonly lockWaitMs?: number;
  /**
   * Takes it from its owner, of whom the caller has made sure that he hangs. The browser gives his files to nobody before he wakes up
   * or his worker is ended: until then this fails with 'locked'.
   */
  readonly takeOver?: boolean;
  readonly openFilesMax?: number;
  /** Where the folder is; the root of the origin's file system unless told otherwise. */
  readonly parent?: Directory;
}

/** Safari gives out some 250 handles. */
const OPEN_FILES_MAX_DEFAULT = 240;

/** Whether volumes can be opened here: in a dedicated worker, of a browser that has synchronous access handles. */
export const hasOpfs = (): boolean =>
  typeof FileSystemFileHandle === 'function' &&
  'createSyncAccessHandle' in FileSystemFileHandle.prototype;

/** Opens a folder as a volume, in a dedicated worker. VolumeError 'locked' when another worker has it open. */
export async function openOpfsVolume(options: OpfsVolumeOptions): Promise<Volume> {
  const { name, openFilesMax = OPEN_FILES_MAX_DEFAULT } = options;
  const location = `opfs:${name}`;
  const lock = await takeWebLock(opfsLock(name), location, {
    ...(options.lockWaitMs !== undefined && { waitMs: options.lockWaitMs }),
    ...(options.takeOver === true && { steal: true }),
  });
  try {
    const parent =
      options.parent ?? ((await navigator.storage.getDirectory()) as unknown as Directory);
    const directory = await parent.getDirectoryHandle(name, { create: true });
    return await openFolder(directory, lock, { durability: 'os', openFilesMax, location });
  } catch (error) {
    lock.release();
    throw volumeError(error, `open of ${location}`);
  }
}

/** The Web Lock that its owner holds, for whoever must steal it from one that hangs. */
export const opfsLock = (name: string): string => `odradek-opfs:${name}`;
