/**
 * The connection with one database, and the one way to change what is in it.
 *
 * A change has happened when its transaction's `complete` event has come, and never before: a request that succeeded may still
 * be undone by its transaction (no quota is left, the disk fails, the database is closed by force).
 *
 * Fencing: each owner writes its number when it opens, and each of its transactions reads that number again. An owner whose
 * Web Lock was stolen while it hung, and who wakes up later, finds another's number and changes nothing. The read stands first
 * in the transaction's queue, so it costs no waiting.
 *
 * A connection may end in three ways that nobody here asked for: the user or the browser clears the storage (`close`), another
 * page deletes or upgrades the database (`versionchange`), the lock is stolen. Then the volume is closed, with the reason in
 * every error.
 */
import { VolumeError } from '@odradek/ports';
import {
  openDB,
  type DBSchema,
  type IDBPDatabase,
  type IDBPTransaction,
  type StoreNames,
} from 'idb';
import { volumeError } from './errors.ts';

export interface Schema extends DBSchema {
  /** By name: the size of each file. */
  files: { key: string; value: number };
  /** By name and position: extents.ts. */
  extents: { key: [name: string, position: number]; value: Uint8Array };
  /** Under `owner`: how many owners there have been. */
  owner: { key: string; value: number };
}

export type ReadTransaction = IDBPTransaction<Schema, StoreNames<Schema>[], 'readonly'>;
export type WriteTransaction = IDBPTransaction<Schema, StoreNames<Schema>[], 'readwrite'>;
export type Durability = 'strict' | 'relaxed';

export interface DatabaseOptions {
  readonly name: string;
  readonly location: string;
  readonly durability: Durability;
  readonly openTimeoutMs: number;
  /** Of the stores below; for tests of what happens between versions. */
  readonly schemaVersion?: number;
}

const SCHEMA_VERSION = 1;
const stores: StoreNames<Schema>[] = ['files', 'extents', 'owner'];

export class Database {
  readonly #db: IDBPDatabase<Schema>;
  readonly #options: DatabaseOptions;
  #owner = 0;
  #durability: Durability = 'relaxed';
  #end: VolumeError | undefined;

  private constructor(db: IDBPDatabase<Schema>, options: DatabaseOptions) {
    this.#db = db;
    this.#options = options;
  }

  static async open(options: DatabaseOptions): Promise<Database> {
    const ends: { tell: (reason: string) => void } = { tell: () => {} };
    const db = await connect(options, (reason) => ends.tell(reason));
    const database = new Database(db, options);
    ends.tell = (reason) => database.end(reason);
    try {
      await database.#takeOver();
    } catch (error) {
      db.close();
      throw error;
    }
    return database;
  }

  /** What the browser makes of what was asked for: one that knows no durability does not wait for the disk. */
  get durability(): Durability {
    return this.#durability;
  }

  /** Why nothing more can be done here, if so. */
  get ended(): VolumeError | undefined {
    return this.#end;
  }

  /** No new transactions; those under way come to their end. */
  end(reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = new VolumeError('closed', `${this.#options.location} ${reason}`);
    this.#db.close();
  }

  async read<T>(work: (transaction: ReadTransaction) => Promise<T>): Promise<T> {
    if (this.#end !== undefined) throw this.#end;
    try {
      const transaction = this.#db.transaction(stores, 'readonly');
      // Its failure is that of a request, which `work` awaits.
      transaction.done.catch(() => {});
      return await work(transaction);
    } catch (error) {
      throw this.#end ?? error;
    }
  }

  /**
   * Runs `work` in one transaction and settles when it is committed. `work` waits for requests of the transaction and for
   * nothing else. When it throws, nothing has happened.
   */
  async change<T>(work: (transaction: WriteTransaction) => Promise<T> | T): Promise<T> {
    if (this.#end !== undefined) throw this.#end;
    try {
      return await this.#commit(async (transaction) => {
        const owner = transaction.objectStore('owner').get('owner');
        owner.catch(() => {});
        const result = await work(transaction);
        if ((await owner) !== this.#owner) throw this.#robbed();
        return result;
      });
    } catch (error) {
      throw this.#end ?? error;
    }
  }

  async #commit<T>(work: (transaction: WriteTransaction) => Promise<T>): Promise<T> {
    const { durability } = this.#options;
    const transaction = this.#db.transaction(stores, 'readwrite', { durability });
    // Awaited below; a failure that comes earlier is nobody's yet.
    transaction.done.catch(() => {});
    let result: T;
    try {
      result = await work(transaction);
      // Rather than when the browser notices that no request comes any more.
      transaction.commit();
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It has ended by itself, and its own reason is the better one.
      }
      await transaction.done.catch(() => {});
      throw transaction.error ?? error;
    }
    await transaction.done;
    return result;
  }

  async #takeOver(): Promise<void> {
    await this.#commit(async (transaction) => {
      const { durability } = transaction as { readonly durability?: string };
      if (durability === 'strict') this.#durability = 'strict';
      const store = transaction.objectStore('owner');
      this.#owner = ((await store.get('owner')) ?? 0) + 1;
      await store.put(this.#owner, 'owner');
    });
  }

  #robbed(): VolumeError {
    this.end('was taken over by another page or worker');
    return this.#end!;
  }
}

/** Opens the connection, or says what keeps it from opening; one that comes too late is closed. */
function connect(
  { name, location, openTimeoutMs, schemaVersion = SCHEMA_VERSION }: DatabaseOptions,
  onEnd: (reason: string) => void,
): Promise<IDBPDatabase<Schema>> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    let isBlocked = false;
    const timer = setTimeout(() => {
      isOver = true;
      reject(
        isBlocked
          ? new VolumeError(
              'locked',
              `${location}: another page holds an older version of it open: close or reload that page`,
            )
          : new VolumeError(
              'failed',
              `${location}: IndexedDB did not answer within ${openTimeoutMs} ms: restart the browser`,
            ),
      );
    }, openTimeoutMs);
    const opening = openDB<Schema>(name, schemaVersion, {
      upgrade(db) {
        for (const store of stores)
          if (!db.objectStoreNames.contains(store)) db.createObjectStore(store);
      },
      blocked: () => void (isBlocked = true),
      blocking: () => onEnd('was given up, since another page deletes or upgrades it'),
      terminated: () =>
        onEnd('was taken away by the browser or its user (storage cleared, or its files failed)'),
    });
    opening.then(
      (db) => {
        clearTimeout(timer);
        if (isOver) db.close();
        else resolve(db);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(volumeError(error, `open of ${location}`));
      },
    );
  });
}
