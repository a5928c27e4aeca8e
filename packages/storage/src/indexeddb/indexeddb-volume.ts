/** A database as a Volume. Every change is one transaction, so a crash leaves each of them done or not done. */
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
import type { Database, WriteTransaction } from './database.ts';
import { volumeError } from './errors.ts';
import { appendBytes, deleteBytes, readBytes } from './extents.ts';
import { GroupWriter } from './group-writer.ts';
import { IndexedDbFile, type FileHost } from './indexeddb-file.ts';

export class IndexedDbVolume implements Volume {
  readonly traits: VolumeTraits;
  readonly #database: Database;
  readonly #lock: WebLock;
  readonly #turns = new Turns();
  /** By name; undefined while it is being opened. */
  readonly #files = new Map<string, IndexedDbFile | undefined>();
  readonly #host: FileHost;
  #closing: Promise<void> | undefined;

  constructor(database: Database, lock: WebLock, traits: VolumeTraits) {
    this.#database = database;
    this.#lock = lock;
    this.traits = traits;
    this.#host = {
      database,
      writer: new GroupWriter(database),
      location: traits.location,
      closed: (name) => this.#files.delete(name),
    };
    void lock.gone.then(() => database.end('was taken over by another page or worker'));
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
        const file = new IndexedDbFile(this.#host, name, await this.#sizeOrCreate(name));
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
    return this.#turns.run(name, () =>
      this.#change(`remove of ${this.#path(name)}`, name, (transaction) => {
        transaction
          .objectStore('files')
          .delete(name)
          .catch(() => {});
        deleteBytes(transaction, name);
      }),
    );
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.#assertMayTake(name);
    if (bytes.length > SMALL_FILE_BYTES_MAX) throw this.#tooLarge(name, bytes.length);
    const content = bytes.slice();
    return this.#turns.run(name, () =>
      this.#change(`replace of ${this.#path(name)}`, name, async (transaction) => {
        deleteBytes(transaction, name);
        transaction
          .objectStore('files')
          .put(content.length, name)
          .catch(() => {});
        await appendBytes(transaction, name, 0, content, undefined);
      }),
    );
  }

  async readSmall(name: string): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    assertFileName(name);
    return this.#turns.run(name, async () => {
      try {
        return await this.#database.read(async (transaction) => {
          const sizeBytes = await transaction.objectStore('files').get(name);
          if (sizeBytes === undefined) return undefined;
          if (sizeBytes > SMALL_FILE_BYTES_MAX) throw this.#tooLarge(name, sizeBytes);
          return readBytes(transaction, name, 0, sizeBytes);
        });
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
    await Promise.all(Array.from(this.#files.values(), (file) => file?.close()));
    await this.#host.writer.idle();
    this.#database.end('is closed');
    this.#lock.release();
  }

  async #sizeOrCreate(name: string): Promise<number> {
    const sizeBytes = await this.#database.read((transaction) =>
      transaction.objectStore('files').get(name),
    );
    if (sizeBytes !== undefined) return sizeBytes;
    await this.#database.change(async (transaction) => {
      await transaction.objectStore('files').put(0, name);
    });
    return 0;
  }

  async #list(prefix: string): Promise<readonly FileEntry[]> {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    try {
      const [names, sizes] = await this.#database.read((transaction) => {
        const store = transaction.objectStore('files');
        return Promise.all([store.getAllKeys(range), store.getAll(range)]);
      });
      return names.map((name, i) => ({ name, sizeBytes: sizes[i]! }));
    } catch (error) {
      throw volumeError(error, `list of ${this.traits.location}`);
    }
  }

  async #change(
    what: string,
    name: string,
    work: (transaction: WriteTransaction) => Promise<void> | void,
  ): Promise<void> {
    try {
      await this.#database.change(work);
    } catch (error) {
      throw volumeError(error, what, name);
    }
    this.#host.writer.forget(name);
  }

  #path(name: string): string {
    return `${this.traits.location}/${name}`;
  }

  #assertOpen(): void {
    if (this.#database.ended !== undefined) throw this.#database.ended;
    if (this.#closing !== undefined)
      throw new VolumeError('closed', `${this.traits.location} is closed`);
  }

  #assertMayTake(name: string): void {
    this.#assertOpen();
    assertFileName(name);
    if (this.#files.has(name))
      throw new VolumeError('locked', `${name} is open: close it first`, { file: name });
  }

  #tooLarge(name: string, sizeBytes: number): VolumeError {
    return new VolumeError(
      'invalid',
      `${name}: ${sizeBytes} bytes are too many for a small file (${SMALL_FILE_BYTES_MAX})`,
      { file: name },
    );
  }
}
