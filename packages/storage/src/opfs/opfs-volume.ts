/**
 * A folder of the origin private file system as a Volume. Each file's bytes are in a file of the browser's of their own, named by a
 * number; the catalog (catalog.ts) knows the names. Files of a few kilobytes that are replaced as a whole lie in the catalog.
 *
 * What `sync` is worth: `flush` brings a file's bytes to the disk. That the browser's own list of files is there after the machine has
 * lost its power, no browser promises (Chromium keeps it in a database that it writes without waiting for the disk), and a
 * file made moments before may be gone. So the durability is 'os': whatever ends the page, the worker or the browser
 * takes nothing with it.
 */
import {
  SMALL_FILE_BYTES_MAX,
  VolumeError,
  assertFileName,
  type AppendFile,
  type FileEntry,
  type Volume,
  type VolumeTraits,
} from '@odradek/ports';
import { Turns } from '../turns.ts';
import type { WebLock } from '../web-lock.ts';
import { Catalog, type Place } from './catalog.ts';
import { poisonedError, volumeError } from './errors.ts';
import { FlushTurn } from './flush-turn.ts';
import {
  isNamed,
  openHandle,
  readUpTo,
  sizeOf,
  writeAll,
  type Directory,
  type SyncHandle,
} from './handles.ts';
import { OpfsFile, STAGING_BYTES, type FileHost } from './opfs-file.ts';

/** A file that is replaced with this much or less lies in the catalog. */
export const INLINE_BYTES_MAX = 16 * 1024;

const CATALOGS = ['catalog.a', 'catalog.b'] as const;
const DATA_SUFFIX = '.data';

/** Opens the catalog, and clears away what an owner before us left half done. */
export async function openFolder(
  directory: Directory,
  lock: WebLock,
  traits: VolumeTraits,
): Promise<Volume> {
  const found = new Set<number>();
  const handles: SyncHandle[] = [];
  try {
    const opening = await Promise.allSettled(
      CATALOGS.map((name) => openHandle(directory, name, true)),
    );
    for (const it of opening) if (it.status === 'fulfilled') handles.push(it.value);
    for (const it of opening) if (it.status === 'rejected') throw it.reason;
    for await (const name of directory.keys())
      if (name.endsWith(DATA_SUFFIX)) found.add(Number(name.slice(0, -DATA_SUFFIX.length)));
    const catalog = Catalog.open(
      handles as [SyncHandle, SyncHandle],
      traits.location,
      found.size > 0,
    );
    const kept = new Set<number>();
    for (const [name, place] of [...catalog.names]) {
      if (place.kind === 'inline') continue;
      // Its removal had not been flushed when the machine went down: it is gone all the same.
      if (found.has(place.id)) kept.add(place.id);
      else catalog.delete(name);
    }
    const left = Array.from(found).filter((id) => !kept.has(id));
    await Promise.all(left.map((id) => directory.removeEntry(dataName(id))));
    return new OpfsVolume(directory, lock, traits, catalog, Math.max(0, ...found) + 1);
  } catch (error) {
    for (const handle of handles) handle.close();
    throw volumeError(error, `open of ${traits.location}`);
  }
}

class OpfsVolume implements Volume {
  readonly traits: VolumeTraits;
  readonly #directory: Directory;
  readonly #lock: WebLock;
  readonly #catalog: Catalog;
  readonly #turns = new Turns();
  /** By name; undefined while it is being opened. */
  readonly #files = new Map<string, OpfsFile | undefined>();
  readonly #poisoned = new Map<string, VolumeError>();
  /** Of closed ones, by number, as far as they were asked for. */
  readonly #sizes = new Map<number, number>();
  readonly #flushes: FlushTurn;
  readonly #host: FileHost;
  #nextId: number;
  #staging: Uint8Array | undefined;
  #end: VolumeError | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    directory: Directory,
    lock: WebLock,
    traits: VolumeTraits,
    catalog: Catalog,
    nextId: number,
  ) {
    this.#directory = directory;
    this.#lock = lock;
    this.traits = traits;
    this.#catalog = catalog;
    this.#nextId = nextId;
    this.#flushes = new FlushTurn(() => catalog.flush());
    this.#host = {
      location: traits.location,
      flushes: this.#flushes,
      ended: () => this.#end,
      staging: () => (this.#staging ??= new Uint8Array(STAGING_BYTES)),
      poisoned: (name, cause) => this.#poisoned.set(name, cause),
      closed: (file) => this.#fileClosed(file),
    };
    void lock.gone.then((why) => {
      if (why === 'stolen') this.#abandon();
    });
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
        const file = new OpfsFile(this.#host, name, await this.#openOrCreate(name));
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
    return this.#turns.track(this.#list(prefix));
  }

  async remove(name: string): Promise<void> {
    this.#assertMayTake(name);
    return this.#turns.run(name, async () => {
      const place = this.#catalog.get(name);
      if (place === undefined) return;
      this.#change(`remove of ${this.#path(name)}`, name, () => this.#catalog.delete(name));
      this.#poisoned.delete(name);
      await this.#discard(place);
    });
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.#assertMayTake(name);
    if (bytes.length > SMALL_FILE_BYTES_MAX) throw this.#tooLarge(name, bytes.length);
    const content = bytes.slice();
    return this.#turns.run(name, async () => {
      const before = this.#catalog.get(name);
      let place: Place = { kind: 'inline', bytes: content };
      try {
        if (content.length > INLINE_BYTES_MAX) place = await this.#store(content);
      } catch (error) {
        throw volumeError(error, `replace of ${this.#path(name)}`, name);
      }
      try {
        this.#change(`replace of ${this.#path(name)}`, name, () => {
          this.#catalog.set(name, place);
          this.#catalog.flush();
        });
      } catch (error) {
        if (this.#catalog.get(name) !== place) await this.#discard(place);
        throw error;
      }
      this.#poisoned.delete(name);
      if (before !== undefined) await this.#discard(before);
    });
  }

  async readSmall(name: string): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    assertFileName(name);
    return this.#turns.run(name, async () => {
      this.#assertAlive();
      const place = this.#catalog.get(name);
      if (place === undefined) return undefined;
      if (place.kind === 'inline') return place.bytes.slice();
      try {
        const open = this.#files.get(name);
        if (open !== undefined) {
          this.#assertSmall(name, open.sizeBytes);
          return open.readNow(0, open.sizeBytes);
        }
        const handle = await openHandle(this.#directory, dataName(place.id), false);
        try {
          const sizeBytes = sizeOf(handle);
          this.#assertSmall(name, sizeBytes);
          return readUpTo(handle, 0, sizeBytes);
        } finally {
          handle.close();
        }
      } catch (error) {
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
    if (this.#end !== undefined) return;
    await Promise.all(Array.from(this.#files.values(), (file) => file?.close()));
    this.#end = new VolumeError('closed', `${this.traits.location} is closed`);
    this.#flushes.end();
    this.#catalog.close();
    this.#lock.release();
  }

  /** Lets go of every file at once, that the one who comes may have them. */
  #abandon(): void {
    if (this.#end !== undefined) return;
    this.#end = new VolumeError(
      'closed',
      `${this.traits.location} was taken over by another worker`,
    );
    this.#flushes.end(this.#end);
    for (const file of this.#files.values()) file?.abandon();
    this.#files.clear();
    this.#catalog.close();
  }

  /** Whose bytes lay in the catalog gets a file of its own, since it is to grow. */
  async #openOrCreate(name: string): Promise<SyncHandle> {
    const place = this.#catalog.get(name);
    if (place?.kind === 'stored') {
      const handle = await openHandle(this.#directory, dataName(place.id), false);
      return this.#unlessEnded(handle);
    }
    const id = this.#nextId++;
    const handle = this.#unlessEnded(await openHandle(this.#directory, dataName(id), true));
    try {
      handle.truncate(0);
      if (place !== undefined) {
        writeAll(handle, place.bytes, 0);
        // They were durable where they lay.
        handle.flush();
      }
      this.#catalog.set(name, { kind: 'stored', id });
    } catch (error) {
      handle.close();
      await this.#discard({ kind: 'stored', id });
      throw error;
    }
    return handle;
  }

  async #store(content: Uint8Array): Promise<Place> {
    const id = this.#nextId++;
    const handle = this.#unlessEnded(await openHandle(this.#directory, dataName(id), true));
    try {
      handle.truncate(0);
      writeAll(handle, content, 0);
      handle.flush();
    } catch (error) {
      handle.close();
      await this.#discard({ kind: 'stored', id });
      throw error;
    }
    handle.close();
    this.#sizes.set(id, content.length);
    return { kind: 'stored', id };
  }

  /** What stays behind is cleared away at the next start. */
  async #discard(place: Place): Promise<void> {
    if (place.kind === 'inline') return;
    this.#sizes.delete(place.id);
    await this.#directory.removeEntry(dataName(place.id)).catch(() => {});
  }

  async #list(prefix: string): Promise<readonly FileEntry[]> {
    const places = Array.from(this.#catalog.names).filter(([name]) => name.startsWith(prefix));
    try {
      const entries = await Promise.all(
        places.map(async ([name, place]) => ({
          name,
          sizeBytes: this.#files.get(name)?.sizeBytes ?? (await this.#sizeOf(place)),
        })),
      );
      return entries
        .filter((it): it is FileEntry => it.sizeBytes !== undefined)
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      throw volumeError(error, `list of ${this.traits.location}`);
    }
  }

  /** Undefined when it was removed in the meantime. */
  async #sizeOf(place: Place): Promise<number | undefined> {
    if (place.kind === 'inline') return place.bytes.length;
    const known = this.#sizes.get(place.id);
    if (known !== undefined) return known;
    try {
      const file = await this.#directory.getFileHandle(dataName(place.id), { create: false });
      const { size } = await file.getFile();
      if (!this.#sizes.has(place.id)) this.#sizes.set(place.id, size);
      return size;
    } catch (error) {
      if (isNamed(error, 'NotFoundError')) return undefined;
      throw error;
    }
  }

  #fileClosed(file: OpfsFile): void {
    this.#files.delete(file.name);
    const place = this.#catalog.get(file.name);
    if (place?.kind === 'stored') this.#sizes.set(place.id, file.sizeBytes);
  }

  #change(what: string, name: string, work: () => void): void {
    this.#assertAlive();
    try {
      work();
    } catch (error) {
      throw volumeError(error, what, name);
    }
  }

  #unlessEnded(handle: SyncHandle): SyncHandle {
    if (this.#end === undefined) return handle;
    handle.close();
    throw this.#end;
  }

  #path(name: string): string {
    return `${this.traits.location}/${name}`;
  }

  #assertAlive(): void {
    if (this.#end !== undefined) throw this.#end;
  }

  #assertOpen(): void {
    this.#assertAlive();
    if (this.#closing !== undefined)
      throw new VolumeError('closed', `${this.traits.location} is closed`);
  }

  #assertMayTake(name: string): void {
    this.#assertOpen();
    assertFileName(name);
    if (this.#files.has(name))
      throw new VolumeError('locked', `${name} is open: close it first`, { file: name });
  }

  #assertSmall(name: string, sizeBytes: number): void {
    if (sizeBytes > SMALL_FILE_BYTES_MAX) throw this.#tooLarge(name, sizeBytes);
  }

  #tooLarge(name: string, sizeBytes: number): VolumeError {
    return new VolumeError(
      'invalid',
      `${name}: ${sizeBytes} bytes are too many for a small file (${SMALL_FILE_BYTES_MAX})`,
      { file: name },
    );
  }
}

const dataName = (id: number): string => `${id}${DATA_SUFFIX}`;
