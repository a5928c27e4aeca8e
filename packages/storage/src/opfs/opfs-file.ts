/**
 * An open file. Appends, truncates and reads are synchronous calls, done when the method returns; so they happen in call order
 * by themselves. An append that fails stops the file until a truncate: calls may be made without waiting and never leave a gap.
 *
 * A sync is put off to the next turn of the event loop (flush-turn.ts), so that what comes meanwhile shares it: `flush` holds
 * the whole worker up. A failed one is the end of the file.
 */
import { VolumeError, type AppendFile } from '@odradek/ports';
import { poisonedError, volumeError } from './errors.ts';
import type { FlushTurn } from './flush-turn.ts';
import { readUpTo, sizeOf, writeAll, type SyncHandle } from './handles.ts';

/** Many small chunks go down in one call up to this size: a call costs ten microseconds. */
export const STAGING_BYTES = 256 * 1024;

/** What the file needs of its volume. */
export interface FileHost {
  readonly location: string;
  readonly flushes: FlushTurn;
  /** Why nothing can be done any more, if so. */
  ended(): VolumeError | undefined;
  /** Memory of STAGING_BYTES that is free until the caller returns. */
  staging(): Uint8Array;
  poisoned(name: string, cause: VolumeError): void;
  closed(file: OpfsFile): void;
}

interface Stop {
  readonly cause: VolumeError;
  /** What a truncate may keep: the bytes before the failed append. */
  readonly goodBytes: number;
}

export class OpfsFile implements AppendFile {
  readonly name: string;
  readonly #host: FileHost;
  readonly #handle: SyncHandle;
  #sizeBytes: number;
  #isDirty = true;
  #stop: Stop | undefined;
  #poison: VolumeError | undefined;
  #closing: Promise<void> | undefined;

  constructor(host: FileHost, name: string, handle: SyncHandle) {
    this.#host = host;
    this.name = name;
    this.#handle = handle;
    this.#sizeBytes = sizeOf(handle);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#refuse(this.#stoppedError());
    const before = this.#sizeBytes;
    this.#isDirty = true;
    try {
      this.#write(chunks);
    } catch (error) {
      const cause = volumeError(error, `append to ${this.#path}`, this.name);
      try {
        this.#handle.truncate(before);
      } catch {
        // What is left of it is behind the good bytes, where the next truncate cuts.
      }
      this.#sizeBytes = before;
      this.#stop = { cause, goodBytes: before };
      throw cause;
    }
    this.#host.flushes.appended();
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    this.#refuse(
      this.#notCountError(position, 'position') ?? this.#notCountError(length, 'length'),
    );
    return this.readNow(position, length);
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#refuse(
      this.#poison ??
        this.#notCountError(sizeBytes, 'size') ??
        this.#growthError(this.#stop?.goodBytes ?? this.#sizeBytes, sizeBytes),
    );
    this.#isDirty = true;
    try {
      this.#handle.truncate(sizeBytes);
    } catch (error) {
      const cause = volumeError(error, `truncate of ${this.#path}`, this.name);
      this.#stop ??= { cause, goodBytes: this.#sizeBytes };
      throw cause;
    }
    this.#sizeBytes = sizeBytes;
    this.#stop = undefined;
  }

  async sync(): Promise<void> {
    this.#refuse(this.#stoppedError());
    return this.#host.flushes.ask(this);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // What follows is for the volume.

  /** Bytes are in memory of their own. */
  readNow(position: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.#sizeBytes - position));
    try {
      return readUpTo(this.#handle, position, wanted);
    } catch (error) {
      throw volumeError(error, `read of ${this.#path}`, this.name);
    }
  }

  /** Throws, and poisons the file, when the disk refuses. */
  flushNow(): void {
    if (this.#poison !== undefined) throw this.#poison;
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.#handle.flush();
  }

  poison(error: unknown): VolumeError {
    const cause = volumeError(error, `sync of ${this.#path}`, this.name);
    this.#poison ??= poisonedError(this.name, cause);
    this.#host.poisoned(this.name, this.#poison);
    return new VolumeError('failed', cause.message, { file: this.name, cause });
  }

  /** The worker's other half is gone, or another owner has come: nothing may be written any more. */
  abandon(): void {
    this.#closing ??= Promise.resolve();
    this.#handle.close();
  }

  async #close(): Promise<void> {
    this.#host.flushes.runNow();
    try {
      this.#handle.close();
    } finally {
      this.#host.closed(this);
    }
  }

  #write(chunks: readonly Uint8Array[]): void {
    let staged = 0;
    let staging: Uint8Array | undefined;
    const writeStaged = (): void => {
      if (staging === undefined || staged === 0) return;
      this.#writeOne(staging.subarray(0, staged));
      staged = 0;
    };
    for (const chunk of chunks) {
      if (chunks.length === 1 || chunk.length >= STAGING_BYTES) {
        writeStaged();
        this.#writeOne(chunk);
        continue;
      }
      staging ??= this.#host.staging();
      if (staged + chunk.length > STAGING_BYTES) writeStaged();
      staging.set(chunk, staged);
      staged += chunk.length;
    }
    writeStaged();
  }

  #writeOne(bytes: Uint8Array): void {
    writeAll(this.#handle, bytes, this.#sizeBytes);
    this.#sizeBytes += bytes.length;
  }

  get #path(): string {
    return `${this.#host.location}/${this.name}`;
  }

  /** Throws what keeps the call from being made, if anything does. */
  #refuse(reason: VolumeError | undefined): void {
    const ended = this.#host.ended();
    if (ended !== undefined) throw ended;
    if (this.#closing !== undefined)
      throw new VolumeError('closed', `${this.#path} is closed`, { file: this.name });
    if (reason !== undefined) throw reason;
  }

  #stoppedError(): VolumeError | undefined {
    if (this.#poison !== undefined) return this.#poison;
    if (this.#stop === undefined) return undefined;
    const { cause, goodBytes } = this.#stop;
    return new VolumeError(
      cause.kind,
      `${this.#path}: an append has failed (${cause.message}); truncate to ${goodBytes} bytes or less before going on`,
      { file: this.name, cause },
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
