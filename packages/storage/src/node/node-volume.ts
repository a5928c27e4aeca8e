/**
 * A folder of the file system as a Volume. Names are paths below it. What is not a legal name there (other people's files, our
 * own temporary ones, which begin with '~', and the lock) is never listed and cannot be opened.
 */
import { join, resolve as resolvePath } from 'node:path';
import {
  SMALL_FILE_BYTES_MAX,
  VolumeError,
  assertFileName,
  type AppendFile,
  type BufferPool,
  type FileEntry,
  type Volume,
  type VolumeTraits,
} from '@odradek/ports';
import { Turns } from '../turns.ts';
import { poisonedError, volumeError } from './errors.ts';
import { Folders, createFolderDurably } from './folders.ts';
import { isErrorOf, type Io } from './io.ts';
import { acquireLock, type FolderLock } from './lock-file.ts';
import { listFiles } from './list-files.ts';
import { NodeFile, type FileHost } from './node-file.ts';

export interface OpenFolderOptions {
  readonly io: Io;
  readonly directory: string;
  readonly lockFile: string;
  readonly openFilesMax: number;
  readonly buffers: BufferPool | undefined;
}

const FILE_MODE = 0o640;
/** Bytes of a replace that did not come to its end. */
const draftPrefix = '~replace-';
/** How often the folder of a new file may vanish, for being empty, between its making and the file's. */
const CREATE_ATTEMPTS_MAX = 10;

/** Takes the lock, and clears away what a dead owner left half done. */
export async function openFolder({
  io,
  directory,
  lockFile,
  openFilesMax,
  buffers,
}: OpenFolderOptions): Promise<Volume> {
  assertFileName(lockFile);
  const location = resolvePath(directory);
  let lock: FolderLock | undefined;
  try {
    await createFolderDurably(io, location);
    lock = await acquireLock(io, location, lockFile);
    for (const { name } of await io.readdir(location))
      if (name.startsWith(draftPrefix)) await io.unlink(join(location, name));
  } catch (error) {
    await lock?.release();
    throw volumeError(error, `open of ${location}`);
  }
  return new NodeVolume(
    io,
    { durability: 'disk', openFilesMax, location },
    lockFile,
    lock,
    buffers,
  );
}

class NodeVolume implements Volume {
  readonly traits: VolumeTraits;
  readonly #io: Io;
  readonly #lockFile: string;
  readonly #lock: FolderLock;
  readonly #folders: Folders;
  readonly #turns = new Turns();
  readonly #files = new Map<string, NodeFile | undefined>();
  readonly #poisoned = new Map<string, VolumeError>();
  readonly #host: FileHost;
  #draftCount = 0;
  #closing: Promise<void> | undefined;

  constructor(
    io: Io,
    traits: VolumeTraits,
    lockFile: string,
    lock: FolderLock,
    buffers?: BufferPool,
  ) {
    this.#io = io;
    this.traits = traits;
    this.#lockFile = lockFile;
    this.#lock = lock;
    this.#folders = new Folders(io, traits.location);
    this.#host = {
      io,
      buffers,
      location: traits.location,
      settleEntries: (name) => this.#folders.settle(name),
      areEntriesSettled: (name) => this.#folders.isSettled(name),
      poisoned: (name, cause) => this.#poisoned.set(name, cause),
      closed: (file) => this.#files.delete(file.name),
    };
  }

  async open(name: string): Promise<AppendFile> {
    this.#assertMayTake(name);
    if (this.#files.size >= this.traits.openFilesMax) {
      throw new VolumeError(
        'full',
        `${name}: ${this.traits.openFilesMax} files are open already, close some`,
        { file: name },
      );
    }
    this.#files.set(name, undefined);
    return this.#turns.run(name, async () => {
      try {
        const poison = this.#poisoned.get(name);
        if (poison !== undefined) throw poisonedError(name, poison);
        const file = await this.#openOrCreate(name);
        this.#files.set(name, file);
        return file;
      } catch (error) {
        this.#files.delete(name);
        throw volumeError(error, `open of ${this.#path(name)}`, name);
      }
    });
  }

  async list(prefix: string): Promise<readonly FileEntry[]> {
    this.#assertOpen();
    return this.#turns.track(
      listFiles(this.#io, this.traits.location, prefix, (name) => name !== this.#lockFile).catch(
        (error: unknown) => {
          throw volumeError(error, `list of ${this.traits.location}`);
        },
      ),
    );
  }

  async remove(name: string): Promise<void> {
    this.#assertMayTake(name);
    return this.#turns.run(name, async () => {
      try {
        await this.#io.unlink(this.#path(name));
      } catch (error) {
        if (isErrorOf(error, 'ENOENT', 'ENOTDIR')) return;
        throw volumeError(error, `remove of ${this.#path(name)}`, name);
      }
      this.#poisoned.delete(name);
      this.#folders.entryRemoved(name);
      await this.#folders.removeEmptyAbove(name);
    });
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.#assertMayTake(name);
    if (bytes.length > SMALL_FILE_BYTES_MAX) throw tooLarge(name, bytes.length);
    const content = bytes.slice();
    return this.#turns.run(name, async () => {
      const draft = join(this.traits.location, `${draftPrefix}${++this.#draftCount}`);
      try {
        await this.#writeDraft(draft, content);
        await this.#putInPlace(draft, name);
        await this.#folders.settle(name);
      } catch (error) {
        await this.#io.unlink(draft).catch(() => {});
        throw volumeError(error, `replace of ${this.#path(name)}`, name);
      }
      this.#poisoned.delete(name);
    });
  }

  async readSmall(name: string): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    this.#assertLegal(name);
    return this.#turns.run(name, async () => {
      try {
        return await this.#readWhole(name);
      } catch (error) {
        if (isErrorOf(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
        throw volumeError(error, `read of ${this.#path(name)}`, name);
      }
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    await this.#turns.idle();
    const closed = await Promise.allSettled(
      Array.from(this.#files.values(), (file) => file?.close()),
    );
    await this.#lock.release();
    for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #openOrCreate(name: string): Promise<NodeFile> {
    const path = this.#path(name);
    for (let attempt = 0; attempt < CREATE_ATTEMPTS_MAX; attempt++) {
      try {
        return await this.#openExisting(name, await this.#io.open(path, 'r+'));
      } catch (error) {
        if (!isErrorOf(error, 'ENOENT')) throw error;
      }
      try {
        await this.#folders.create(parentOf(name), attempt === 0);
        const fd = await this.#io.open(path, 'wx+', FILE_MODE);
        this.#folders.entryAdded(name);
        return new NodeFile(this.#host, name, fd, 0);
      } catch (error) {
        if (!isErrorOf(error, 'ENOENT', 'EEXIST')) throw error;
      }
    }
    throw new VolumeError('failed', `${path} cannot be made: its folder vanishes again and again`, {
      file: name,
    });
  }

  async #openExisting(name: string, fd: number): Promise<NodeFile> {
    const stats = await this.#io.fstat(fd);
    if (stats.isFile()) return new NodeFile(this.#host, name, fd, Number(stats.size));
    await this.#io.close(fd);
    throw new VolumeError('invalid', `${this.#path(name)} is not a file`, { file: name });
  }

  async #writeDraft(draft: string, content: Uint8Array): Promise<void> {
    const fd = await this.#io.open(draft, 'w', FILE_MODE);
    try {
      await this.#io.write(fd, [content], 0);
      await this.#io.fsync(fd);
    } finally {
      await this.#io.close(fd);
    }
  }

  async #putInPlace(draft: string, name: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      await this.#folders.create(parentOf(name), attempt === 0);
      try {
        await this.#io.rename(draft, this.#path(name));
        this.#folders.entryAdded(name);
        return;
      } catch (error) {
        if (!isErrorOf(error, 'ENOENT') || attempt >= CREATE_ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #readWhole(name: string): Promise<Uint8Array> {
    const fd = await this.#io.open(this.#path(name), 'r');
    try {
      const stats = await this.#io.fstat(fd);
      const sizeBytes = Number(stats.size);
      if (sizeBytes > SMALL_FILE_BYTES_MAX) throw tooLarge(name, sizeBytes);
      const bytes = new Uint8Array(sizeBytes);
      return bytes.subarray(0, await this.#io.read(fd, bytes, 0));
    } finally {
      await this.#io.close(fd);
    }
  }

  #path(name: string): string {
    return join(this.traits.location, name);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined)
      throw new VolumeError('closed', `${this.traits.location} is closed`);
  }

  #assertLegal(name: string): void {
    assertFileName(name);
    if (name === this.#lockFile)
      throw new VolumeError('invalid', `${name} is the lock's own name`, { file: name });
  }

  #assertMayTake(name: string): void {
    this.#assertOpen();
    this.#assertLegal(name);
    if (this.#files.has(name))
      throw new VolumeError('locked', `${name} is open: close it first`, { file: name });
  }
}

function parentOf(name: string): string {
  const slash = name.lastIndexOf('/');
  return slash === -1 ? '' : name.slice(0, slash);
}

function tooLarge(name: string, sizeBytes: number): VolumeError {
  return new VolumeError(
    'invalid',
    `${name}: ${sizeBytes} bytes are too many for a small file (${SMALL_FILE_BYTES_MAX})`,
    { file: name },
  );
}
