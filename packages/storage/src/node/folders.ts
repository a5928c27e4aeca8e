/**
 * Which folders still owe the disk an entry. A file whose bytes are synced is lost all the same when the entry that names it
 * is not, and a removed one comes back; fdatasync of the file promises neither. So a sync also syncs the folders above its
 * file that changed since they were last synced, and every folder that lost an entry.
 *
 * A folder that this volume has not yet synced counts as changed: an owner before us may have died between making an entry and
 * syncing it.
 */
import { dirname, join } from 'node:path';
import type { VolumeError } from '@odradek/ports';
import { volumeError } from './errors.ts';
import { isErrorOf, type Io } from './io.ts';

export const FOLDER_MODE = 0o750;

interface Folder {
  /** Counts changes; a folder starts as changed. */
  changes: number;
  /** How many of the changes are on the disk. */
  settled: number;
  /** The sync under way and the changes that it covers. */
  settling: { changes: number; done: Promise<void> } | undefined;
  /** A failed sync is not tried again: the system may have forgotten what it could not write. */
  failure: VolumeError | undefined;
}

export class Folders {
  readonly #io: Io;
  readonly #root: string;
  readonly #folders = new Map<string, Folder>();
  /** Folders that lost an entry and were not synced since. */
  readonly #lossy = new Set<string>();

  constructor(io: Io, root: string) {
    this.#io = io;
    this.#root = root;
  }

  /** Makes the folder and those above it. `unlessKnown` trusts that one we have used is still there. */
  async create(folder: string, unlessKnown: boolean): Promise<void> {
    if (folder === '' || (unlessKnown && this.#folders.has(folder))) return;
    try {
      await this.#io.mkdir(join(this.#root, folder), FOLDER_MODE);
      this.entryAdded(folder);
    } catch (error) {
      if (isErrorOf(error, 'EEXIST')) return;
      // The root itself is not ours to make again: it was there when the volume was opened.
      if (!isErrorOf(error, 'ENOENT') || parentOf(folder) === '') throw error;
      await this.create(parentOf(folder), false);
      return this.create(folder, false);
    }
  }

  entryAdded(name: string): void {
    this.#folder(parentOf(name)).changes += 1;
  }

  entryRemoved(name: string): void {
    const folder = parentOf(name);
    this.#folder(folder).changes += 1;
    this.#lossy.add(folder);
  }

  /** Removes the folder that held `name`, and those above it, as far as they are empty. */
  async removeEmptyAbove(name: string): Promise<void> {
    for (let folder = parentOf(name); folder !== ''; folder = parentOf(folder)) {
      try {
        await this.#io.rmdir(join(this.#root, folder));
      } catch {
        // Not empty, or not ours to remove: an empty folder harms nobody.
        return;
      }
      this.#folders.delete(folder);
      this.#lossy.delete(folder);
      this.entryRemoved(folder);
    }
  }

  /** True when `settle(name)` has nothing to do. */
  isSettled(name: string): boolean {
    if (this.#lossy.size > 0) return false;
    for (let path = name; path !== ''; path = parentOf(path)) {
      const folder = this.#folders.get(parentOf(path));
      if (folder === undefined || folder.settled !== folder.changes || folder.failure !== undefined)
        return false;
    }
    return true;
  }

  /** The entry of `name`, those of the folders above it and every removal before this call are on the disk. */
  async settle(name: string): Promise<void> {
    const unsettled = new Set(this.#lossy);
    for (let path = name; path !== ''; path = parentOf(path)) unsettled.add(parentOf(path));
    await Promise.all(Array.from(unsettled, (folder) => this.#settleOne(folder)));
  }

  #settleOne(path: string): Promise<void> {
    const folder = this.#folder(path);
    if (folder.failure !== undefined) return Promise.reject(folder.failure);
    if (folder.settled === folder.changes) return Promise.resolve();
    if (folder.settling?.changes === folder.changes) return folder.settling.done;
    const { changes } = folder;
    const done = this.#sync(path).then(
      () => {
        folder.settled = Math.max(folder.settled, changes);
        if (folder.settling?.changes === changes) folder.settling = undefined;
        if (folder.settled === folder.changes) this.#lossy.delete(path);
      },
      (error: unknown) => {
        folder.failure = volumeError(error, `sync of the folder ${join(this.#root, path)}`);
        throw folder.failure;
      },
    );
    folder.settling = { changes, done };
    return done;
  }

  async #sync(path: string): Promise<void> {
    try {
      await syncFolder(this.#io, join(this.#root, path));
    } catch (error) {
      // Removed since, when it was empty: its own removal is a change of the folder above.
      if (!isErrorOf(error, 'ENOENT')) throw error;
    }
  }

  #folder(path: string): Folder {
    let folder = this.#folders.get(path);
    if (folder === undefined) {
      folder = { changes: 1, settled: 0, settling: undefined, failure: undefined };
      this.#folders.set(path, folder);
    }
    return folder;
  }
}

/** Makes the folder with those above it, their entries on the disk; one that is there is left as it is. */
export async function createFolderDurably(io: Io, path: string): Promise<void> {
  try {
    await io.mkdir(path, FOLDER_MODE);
  } catch (error) {
    if (isErrorOf(error, 'EEXIST')) return;
    if (!isErrorOf(error, 'ENOENT') || dirname(path) === path) throw error;
    await createFolderDurably(io, dirname(path));
    return createFolderDurably(io, path);
  }
  await syncFolder(io, dirname(path));
}

export async function syncFolder(io: Io, path: string): Promise<void> {
  let fd: number;
  try {
    fd = await io.open(path, 'r');
  } catch (error) {
    // Windows opens no folders; NTFS journals their entries itself.
    if (process.platform === 'win32' && isErrorOf(error, 'EISDIR', 'EPERM', 'EACCES')) return;
    throw error;
  }
  try {
    await io.fsync(fd);
  } catch (error) {
    // Some file systems know no sync of a folder: then there is nothing to be had.
    if (!isErrorOf(error, 'EINVAL', 'ENOTSUP', 'EPERM')) throw error;
  } finally {
    await io.close(fd);
  }
}

/** Of a name in the volume: '' is the root. */
function parentOf(name: string): string {
  const slash = name.lastIndexOf('/');
  return slash === -1 ? '' : name.slice(0, slash);
}
