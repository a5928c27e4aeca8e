/**
 * An open file of a database. Each truncate begins an era. An append that fails stops its era: the appends and syncs called in
 * it afterwards fail too, until the next truncate. So a caller may queue calls without waiting and never gets a gap.
 */
import { VolumeError, type AppendFile } from '@odradek/ports';
import type { Database } from './database.ts';
import { volumeError } from './errors.ts';
import { readBytes } from './extents.ts';
import type { GroupWriter, WritableFile } from './group-writer.ts';

/** What the file needs of its volume. */
export interface FileHost {
  readonly database: Database;
  readonly writer: GroupWriter;
  readonly location: string;
  closed(name: string): void;
}

interface Stop {
  readonly era: number;
  readonly cause: VolumeError;
  /** What a truncate may keep: the bytes before the failed append. */
  readonly goodBytes: number;
}

export class IndexedDbFile implements AppendFile, WritableFile {
  readonly name: string;
  readonly #host: FileHost;
  #sizeBytes: number;
  #era = 0;
  #stop: Stop | undefined;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(host: FileHost, name: string, sizeBytes: number) {
    this.#host = host;
    this.name = name;
    this.#sizeBytes = sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    const refusal = this.#closedError() ?? this.refusal(this.#era);
    if (refusal !== undefined) return Promise.reject(refusal);
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const position = this.#sizeBytes;
    this.#sizeBytes += length;
    return this.#track(
      this.#host.writer.run({
        kind: 'append',
        file: this,
        era: this.#era,
        position,
        length,
        chunks,
      }),
    );
  }

  read(position: number, length: number): Promise<Uint8Array> {
    const refusal =
      this.#closedError() ??
      this.#notCountError(position, 'position') ??
      this.#notCountError(length, 'length');
    if (refusal !== undefined) return Promise.reject(refusal);
    const wanted = Math.min(length, this.#sizeBytes - position);
    if (wanted <= 0) return Promise.resolve(new Uint8Array(0));
    return this.#track(this.#read(position, wanted));
  }

  truncate(sizeBytes: number): Promise<void> {
    const before = this.#sizeBytes;
    const refusal =
      this.#closedError() ??
      this.#notCountError(sizeBytes, 'size') ??
      this.#growthError(before, sizeBytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#sizeBytes = sizeBytes;
    this.#era += 1;
    return this.#track(
      this.#host.writer.run({
        kind: 'truncate',
        file: this,
        era: this.#era,
        sizeBytes,
        sizeBytesBefore: before,
      }),
    );
  }

  sync(): Promise<void> {
    const refusal = this.#closedError() ?? this.refusal(this.#era);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#track(this.#host.writer.run({ kind: 'sync', file: this, era: this.#era }));
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#running).then(() => this.#host.closed(this.name));
    return this.#closing;
  }

  // What follows is for the writer.

  refusal(era: number): VolumeError | undefined {
    if (this.#stop?.era !== era) return undefined;
    const { cause, goodBytes } = this.#stop;
    return new VolumeError(
      cause.kind,
      `${this.#path}: an append has failed (${cause.message}); truncate to ${goodBytes} bytes or less before going on`,
      { file: this.name, cause },
    );
  }

  refusalToCut(sizeBytes: number, before: number): VolumeError | undefined {
    return this.#growthError(this.#stop?.goodBytes ?? before, sizeBytes);
  }

  wasCut(): void {
    this.#stop = undefined;
  }

  stop(era: number, goodBytes: number, cause: VolumeError): void {
    const kept = Math.min(goodBytes, this.#stop?.goodBytes ?? goodBytes);
    this.#stop = { era, cause, goodBytes: kept };
    if (era === this.#era) this.#sizeBytes = kept;
  }

  async #read(position: number, length: number): Promise<Uint8Array> {
    try {
      return await this.#host.database.read((transaction) =>
        readBytes(transaction, this.name, position, length),
      );
    } catch (error) {
      throw volumeError(error, `read of ${this.#path}`, this.name);
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const forget = (): void => void this.#running.delete(work);
    work.then(forget, forget);
    return work;
  }

  get #path(): string {
    return `${this.#host.location}/${this.name}`;
  }

  #closedError(): VolumeError | undefined {
    return (
      this.#host.database.ended ??
      (this.#closing && new VolumeError('closed', `${this.#path} is closed`, { file: this.name }))
    );
  }

  #growthError(from: number, to: number): VolumeError | undefined {
    if (to <= from) return undefined;
    return new VolumeError(
      'invalid',
      `${this.#path} has ${from} bytes: truncating to ${to} would grow it`,
      { file: this.name },
    );
  }

  #notCountError(value: number, what: string): VolumeError | undefined {
    if (Number.isSafeInteger(value) && value >= 0) return undefined;
    return new VolumeError('invalid', `${this.#path}: ${what} ${value} is no count of bytes`, {
      file: this.name,
    });
  }
}
