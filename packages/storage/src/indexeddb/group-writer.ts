/**
 * All files of a volume write through one queue, one transaction at a time: what is appended while it runs, to whatever
 * file, goes down with the next one. A commit costs about a millisecond however much is in it, so a busy volume writes in
 * groups of `GROUP_BYTES_MAX` and an idle one at once.
 *
 * A transaction of several files that fails is tried once more file by file: who has no room must not keep others from
 * writing. So all that is appended to one file in one transaction is there, or nothing of it is.
 */
import type { VolumeError } from '@odradek/ports';
import type { Database } from './database.ts';
import { volumeError } from './errors.ts';
import { appendBytes, cutBytes, joined, type Tail } from './extents.ts';

/** A transaction takes appends until it has this much; a larger append goes down alone. */
export const GROUP_BYTES_MAX = 1024 * 1024;
/** What the ends of files may hold in memory until they are sealed; beyond it they are read back. */
export const TAIL_BYTES_MAX = 16 * 1024 * 1024;

/** A file, as the writer sees it. */
export interface WritableFile {
  readonly name: string;
  /** Why calls of this era fail, if they do. */
  refusal(era: number): VolumeError | undefined;
  /** A truncate that was called when the file had `before` bytes may go to this size. */
  refusalToCut(sizeBytes: number, before: number): VolumeError | undefined;
  wasCut(): void;
  stop(era: number, goodBytes: number, cause: VolumeError): void;
}

interface Settling {
  resolve(): void;
  reject(error: VolumeError): void;
}

interface Append extends Settling {
  readonly kind: 'append';
  readonly file: WritableFile;
  readonly era: number;
  readonly position: number;
  readonly length: number;
  readonly chunks: readonly Uint8Array[];
}

interface Truncate extends Settling {
  readonly kind: 'truncate';
  readonly file: WritableFile;
  /** The era that it begins. */
  readonly era: number;
  readonly sizeBytes: number;
  readonly sizeBytesBefore: number;
}

/** Every transaction is as durable as the volume is: a sync only waits for those before it. */
interface Sync extends Settling {
  readonly kind: 'sync';
  readonly file: WritableFile;
  readonly era: number;
}

type Write = Append | Truncate | Sync;
/** Without the promise's two ends, which the queue adds. */
type Ask<T> = T extends Write ? Omit<T, keyof Settling> : never;

export class GroupWriter {
  readonly #database: Database;
  readonly #tails = new Tails();
  #queue: Write[] = [];
  #running: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  run(ask: Ask<Write>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...ask, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Settles when nothing is queued. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  forget(name: string): void {
    this.#tails.delete(name);
  }

  async #drain(): Promise<void> {
    // What is called in the same breath goes down together.
    await undefined;
    while (this.#queue.length > 0) {
      const [head] = this.#queue;
      if (head!.kind === 'truncate') {
        this.#queue.shift();
        await this.#cut(head!);
      } else await this.#writeGroup(this.#takeGroup());
    }
    this.#running = undefined;
  }

  /** Appends and syncs up to the next truncate, as far as one transaction takes them. */
  #takeGroup(): (Append | Sync)[] {
    const group: (Append | Sync)[] = [];
    let bytes = 0;
    for (const write of this.#queue) {
      if (write.kind === 'truncate') break;
      if (write.kind === 'append') {
        bytes += write.length;
        if (bytes > GROUP_BYTES_MAX && bytes > write.length) break;
      }
      group.push(write);
    }
    this.#queue = this.#queue.slice(group.length);
    return group;
  }

  async #writeGroup(group: readonly (Append | Sync)[]): Promise<void> {
    const byFile = new Map<WritableFile, Append[]>();
    for (const write of group) {
      if (write.kind === 'sync' || write.file.refusal(write.era) !== undefined) continue;
      const appends = byFile.get(write.file);
      if (appends === undefined) byFile.set(write.file, [write]);
      else appends.push(write);
    }
    const parts = [...byFile.values()];
    if (parts.length > 0) {
      const failure = await this.#commit(parts);
      if (failure !== undefined && parts.length > 1) {
        for (const part of parts) this.#failed(part, await this.#commit([part]));
      } else for (const part of parts) this.#failed(part, failure);
    }
    // In the order of the calls.
    for (const { file, era, resolve, reject } of group) {
      const refusal = file.refusal(era);
      if (refusal === undefined) resolve();
      else reject(refusal);
    }
  }

  /** One transaction; gives why it did not commit. */
  async #commit(parts: readonly (readonly Append[])[]): Promise<unknown> {
    const tails: [name: string, tail: Tail | undefined][] = [];
    try {
      await this.#database.change(async (transaction) => {
        for (const appends of parts) {
          const { file, position } = appends[0]!;
          const bytes = bytesOf(appends);
          transaction
            .objectStore('files')
            .put(position + bytes.length, file.name)
            .catch(() => {});
          const tail = await appendBytes(
            transaction,
            file.name,
            position,
            bytes,
            this.#tails.get(file.name),
          );
          tails.push([file.name, tail]);
        }
      });
    } catch (error) {
      return error;
    }
    for (const [name, tail] of tails) this.#tails.set(name, tail);
    return undefined;
  }

  #failed(appends: readonly Append[], failure: unknown): void {
    if (failure === undefined) return;
    const { file, era, position } = appends[0]!;
    file.stop(era, position, volumeError(failure, `append to ${file.name}`, file.name));
  }

  async #cut({ file, era, sizeBytes, sizeBytesBefore, resolve, reject }: Truncate): Promise<void> {
    try {
      const refusal = file.refusalToCut(sizeBytes, sizeBytesBefore);
      if (refusal !== undefined) throw refusal;
      await this.#database.change(async (transaction) => {
        transaction
          .objectStore('files')
          .put(sizeBytes, file.name)
          .catch(() => {});
        await cutBytes(transaction, file.name, sizeBytes);
      });
    } catch (error) {
      const cause = volumeError(error, `truncate of ${file.name}`, file.name);
      file.stop(era, sizeBytesBefore, cause);
      return reject(cause);
    }
    this.#tails.delete(file.name);
    file.wasCut();
    resolve();
  }
}

/** In memory that nothing else lies in, and that nobody changes. */
function bytesOf(appends: readonly Append[]): Uint8Array {
  const chunks = appends.flatMap((append) => append.chunks);
  return joined(
    chunks,
    appends.reduce((sum, append) => sum + append.length, 0),
  );
}

/** Least recently written first. */
class Tails {
  readonly #tails = new Map<string, Tail>();
  #sizeBytes = 0;

  get(name: string): Tail | undefined {
    return this.#tails.get(name);
  }

  set(name: string, tail: Tail | undefined): void {
    this.delete(name);
    if (tail === undefined) return;
    this.#tails.set(name, tail);
    this.#sizeBytes += bytesIn(tail);
    for (const oldest of this.#tails.keys()) {
      if (this.#sizeBytes <= TAIL_BYTES_MAX) return;
      this.delete(oldest);
    }
  }

  delete(name: string): void {
    const tail = this.#tails.get(name);
    if (tail === undefined) return;
    this.#tails.delete(name);
    this.#sizeBytes -= bytesIn(tail);
  }
}

const bytesIn = ({ values }: Tail): number => values.reduce((sum, value) => sum + value.length, 0);
