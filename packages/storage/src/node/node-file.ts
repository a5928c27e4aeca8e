/**
 * An open file of a folder. One write is under way at a time, and whatever is appended meanwhile goes down with the next one:
 * callers need no batching of their own, and a busy file is written in pieces of about a mebibyte.
 *
 * Each truncate begins an era. An append that fails stops its era: the appends and syncs called in it afterwards fail too,
 * until the next truncate. So a caller may queue calls without waiting and never gets a gap.
 *
 * Syncs are grouped by group-sync.ts; a failed one is the end of the file.
 */
import { VolumeError, type AppendFile, type BufferPool } from '@odradek/ports';
import { poisonedError, volumeError } from './errors.ts';
import { GroupSync } from './group-sync.ts';
import { readFully, writeFully, type Io, type SystemError } from './io.ts';

/** A write takes queued appends until it has this much; one larger append goes down alone. */
export const WRITE_BYTES_MAX = 1024 * 1024;
/** What Linux takes in one call (IOV_MAX). */
export const WRITE_CHUNKS_MAX = 1024;

/** What the file needs of its volume. */
export interface FileHost {
  readonly io: Io;
  readonly buffers: BufferPool | undefined;
  readonly location: string;
  /** Brings the entry of this file and all removals to the disk. */
  settleEntries(name: string): Promise<void>;
  areEntriesSettled(name: string): boolean;
  poisoned(name: string, cause: VolumeError): void;
  closed(file: NodeFile): void;
}

interface Settling {
  resolve(): void;
  reject(error: VolumeError): void;
}

interface QueuedAppend extends Settling {
  readonly kind: 'append';
  readonly era: number;
  readonly call: number;
  readonly chunks: readonly Uint8Array[];
  readonly position: number;
  readonly length: number;
}

interface QueuedTruncate extends Settling {
  readonly kind: 'truncate';
  /** The era that it begins. */
  readonly era: number;
  readonly call: number;
  readonly sizeBytes: number;
  readonly sizeBytesBefore: number;
}

interface Stop {
  readonly era: number;
  readonly cause: VolumeError;
  /** What a truncate may keep: the bytes before the failed append. */
  readonly goodBytes: number;
}

export class NodeFile implements AppendFile {
  readonly name: string;
  readonly #host: FileHost;
  readonly #fd: number;
  #sizeBytes: number;

  #queue: (QueuedAppend | QueuedTruncate)[] = [];
  #isWriting = false;
  #era = 0;
  #stop: Stop | undefined;
  /** Appends and truncates are numbered by their calls. */
  #lastCall = 0;
  readonly #syncs: GroupSync;
  #poison: VolumeError | undefined;

  #readsRunning = 0;
  #closing: { done: Promise<void>; resolve(): void; reject(error: VolumeError): void } | undefined;
  #isFdClosed = false;

  constructor(host: FileHost, name: string, fd: number, sizeBytes: number) {
    this.#host = host;
    this.name = name;
    this.#fd = fd;
    this.#sizeBytes = sizeBytes;
    this.#syncs = new GroupSync(
      {
        sync: (isDirty) => this.#syncNow(isDirty),
        areEntriesSettled: () => host.areEntriesSettled(name),
        failed: (cause) => this.#syncFailed(cause),
        idle: () => this.#closeWhenIdle(),
      },
      this.#lastCall,
    );
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    const refusal = this.#closedError() ?? this.#stoppedError(this.#era);
    if (refusal !== undefined) return Promise.reject(refusal);
    let length = 0;
    for (const chunk of chunks) length += chunk.length;
    const position = this.#sizeBytes;
    this.#sizeBytes += length;
    return new Promise((resolve, reject) => {
      this.#enqueue({
        kind: 'append',
        era: this.#era,
        call: ++this.#lastCall,
        chunks,
        position,
        length,
        resolve,
        reject,
      });
    });
  }

  read(position: number, length: number): Promise<Uint8Array> {
    const refusal =
      this.#closedError() ??
      this.#notCountError(position, 'position') ??
      this.#notCountError(length, 'length');
    if (refusal !== undefined) return Promise.reject(refusal);
    const bytes = this.#memory(Math.max(0, Math.min(length, this.#sizeBytes - position)));
    if (bytes.length === 0) return Promise.resolve(bytes);
    this.#readsRunning += 1;
    return new Promise((resolve, reject) => {
      readFully(this.#host.io.fs, this.#fd, bytes, position, (error, readBytes) => {
        this.#readsRunning -= 1;
        if (error === null)
          resolve(readBytes === bytes.length ? bytes : bytes.subarray(0, readBytes));
        else reject(volumeError(error, `read of ${this.#path}`, this.name));
        this.#closeWhenIdle();
      });
    });
  }

  #memory(length: number): Uint8Array {
    if (this.#host.buffers !== undefined) return this.#host.buffers.take(length);
    // Not from the shared slab, and no Buffer: the bytes are the caller's, and its slice() must copy.
    return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer, 0, length);
  }

  truncate(sizeBytes: number): Promise<void> {
    const before = this.#sizeBytes;
    const refusal =
      this.#closedError() ??
      this.#poisonError() ??
      this.#notCountError(sizeBytes, 'size') ??
      this.#growthError(before, sizeBytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#sizeBytes = sizeBytes;
    this.#era += 1;
    return new Promise((resolve, reject) => {
      this.#enqueue({
        kind: 'truncate',
        era: this.#era,
        call: ++this.#lastCall,
        sizeBytes,
        sizeBytesBefore: before,
        resolve,
        reject,
      });
    });
  }

  sync(): Promise<void> {
    const refusal = this.#closedError() ?? this.#stoppedError(this.#era);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#syncs.ask(this.#era, this.#lastCall);
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      let settle!: Settling;
      const done = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
      this.#closing = { done, resolve: settle.resolve, reject: settle.reject };
      this.#closeWhenIdle();
    }
    return this.#closing.done;
  }

  // Writing.

  #enqueue(entry: QueuedAppend | QueuedTruncate): void {
    this.#queue.push(entry);
    if (this.#isWriting) return;
    this.#isWriting = true;
    // What is called in the same breath goes down together.
    queueMicrotask(() => this.#next());
  }

  #next(): void {
    this.#refuseStopped();
    const head = this.#queue[0];
    if (head === undefined) {
      this.#isWriting = false;
      this.#closeWhenIdle();
    } else if (head.kind === 'truncate') {
      this.#queue.shift();
      this.#cut(head);
    } else {
      this.#write(this.#takeAppends());
    }
  }

  /** Fails the appends at the head of the queue when their era has stopped. */
  #refuseStopped(): void {
    const head = this.#queue[0];
    const refusal = head?.kind === 'append' ? this.#stoppedError(head.era) : undefined;
    if (refusal === undefined) return;
    const cutIndex = this.#queue.findIndex((entry) => entry.kind === 'truncate');
    const refused = this.#queue.splice(0, cutIndex === -1 ? this.#queue.length : cutIndex);
    for (const append of refused) append.reject(refusal);
    this.#syncs.written(refused.at(-1)?.call ?? 0);
  }

  /** The appends at the head of the queue that one write takes. */
  #takeAppends(): QueuedAppend[] {
    const taken: QueuedAppend[] = [];
    let bytes = 0;
    let chunks = 0;
    for (const entry of this.#queue) {
      if (entry.kind !== 'append') break;
      bytes += entry.length;
      chunks += entry.chunks.length;
      if (taken.length > 0 && (bytes > WRITE_BYTES_MAX || chunks > WRITE_CHUNKS_MAX)) break;
      taken.push(entry);
    }
    this.#queue = this.#queue.slice(taken.length);
    return taken;
  }

  #write(appends: readonly QueuedAppend[]): void {
    const chunks = appends.flatMap((append) => append.chunks);
    const position = appends[0]?.position ?? 0;
    writeFully(this.#host.io.fs, this.#fd, chunks, position, (error) => {
      if (error !== null) return this.#writeFailed(appends, error);
      for (const append of appends) append.resolve();
      this.#syncs.written(appends.at(-1)?.call ?? 0);
      this.#next();
    });
  }

  /** The appends that went down whole are good; the file is cut back to them, so that no torn one is left where that can be. */
  #writeFailed(appends: readonly QueuedAppend[], error: SystemError): void {
    const start = appends[0]?.position ?? 0;
    const downBytes = start + (error.wroteBytes ?? 0);
    const whole = appends.filter((append) => append.position + append.length <= downBytes);
    const [firstTorn, ...others] = appends.slice(whole.length);
    if (firstTorn === undefined) throw new Error('a write failed after all was written');
    const cause = volumeError(error, `append to ${this.#path}`, this.name);
    this.#host.io.fs.ftruncate(this.#fd, firstTorn.position, () => {
      for (const append of whole) append.resolve();
      this.#stopEra(firstTorn.era, firstTorn.call, firstTorn.position, cause);
      for (const append of [firstTorn, ...others]) append.reject(cause);
      this.#syncs.written((others.at(-1) ?? firstTorn).call);
      this.#next();
    });
  }

  #cut(cut: QueuedTruncate): void {
    const goodBytes = this.#stop?.goodBytes ?? cut.sizeBytesBefore;
    const refusal = this.#poisonError() ?? this.#growthError(goodBytes, cut.sizeBytes);
    const went = (failure: VolumeError | undefined): void => {
      if (failure === undefined) {
        this.#stop = undefined;
        cut.resolve();
      } else {
        this.#stopEra(cut.era, cut.call, Math.min(goodBytes, cut.sizeBytesBefore), failure);
        cut.reject(failure);
      }
      this.#syncs.written(cut.call);
      this.#next();
    };
    if (refusal !== undefined) return went(refusal);
    this.#host.io.fs.ftruncate(this.#fd, cut.sizeBytes, (error) => {
      went(error === null ? undefined : volumeError(error, `truncate of ${this.#path}`, this.name));
    });
  }

  /** From here on the calls of this era fail, with the syncs that would have covered the failed call. */
  #stopEra(era: number, call: number, goodBytes: number, cause: VolumeError): void {
    this.#stop = { era, cause, goodBytes };
    if (era === this.#era) this.#sizeBytes = goodBytes;
    this.#syncs.refuse(era, call, cause);
  }

  // Syncing.

  async #syncNow(isDirty: boolean): Promise<void> {
    const bytes = isDirty ? this.#host.io.fdatasync(this.#fd) : undefined;
    const entries = this.#host.areEntriesSettled(this.name)
      ? undefined
      : this.#host.settleEntries(this.name);
    await Promise.all([bytes, entries]);
  }

  #syncFailed(error: unknown): { shared: VolumeError; waited: VolumeError } {
    const cause = volumeError(error, `sync of ${this.#path}`, this.name);
    this.#poison = poisonedError(this.name, cause);
    this.#host.poisoned(this.name, this.#poison);
    return {
      shared: new VolumeError('failed', cause.message, { file: this.name, cause }),
      waited: this.#poison,
    };
  }

  // Closing: never while a call is under way on the descriptor, since its number may be another file's the next moment.

  #closeWhenIdle(): void {
    if (this.#closing === undefined || this.#isFdClosed) return;
    if (this.#isWriting || !this.#syncs.isIdle || this.#readsRunning > 0) return;
    this.#isFdClosed = true;
    const { resolve, reject } = this.#closing;
    this.#host.io.close(this.#fd).then(
      () => {
        this.#host.closed(this);
        resolve();
      },
      (error: unknown) => {
        this.#host.closed(this);
        reject(volumeError(error, `close of ${this.#path}`, this.name));
      },
    );
  }

  // Refusals.

  get #path(): string {
    return `${this.#host.location}/${this.name}`;
  }

  #closedError(): VolumeError | undefined {
    return this.#closing === undefined
      ? undefined
      : new VolumeError('closed', `${this.#path} is closed`, { file: this.name });
  }

  #poisonError(): VolumeError | undefined {
    return this.#poison;
  }

  #stoppedError(era: number): VolumeError | undefined {
    if (this.#poison !== undefined) return this.#poison;
    if (this.#stop?.era !== era) return undefined;
    const { cause, goodBytes } = this.#stop;
    return new VolumeError(
      cause.kind,
      `${this.#path}: an append has failed; truncate to ${goodBytes} bytes or less before going on`,
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
