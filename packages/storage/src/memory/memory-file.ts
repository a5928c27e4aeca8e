/**
 * An open file of a memory disk. Appends and truncates take effect one after another, in call order. A sync waits for those
 * before it and runs beside those after it, which it does not cover.
 *
 * Each truncate begins an era. An append that fails stops its era: the appends and syncs called in it afterwards fail too,
 * until the next truncate. So a caller may queue calls without waiting and never gets a gap.
 */
import { VolumeError, type AppendFile } from '@odradek/ports';
import { Turns } from '../turns.ts';
import type { MemoryFileState } from './memory-file-state.ts';
import type { MemoryMount } from './memory-volume.ts';

interface Stop {
  readonly era: number;
  readonly cause: VolumeError;
  /** What a truncate may keep: the bytes before the failed append. */
  readonly goodBytes: number;
}

/** The one name in this file's Turns. */
const writes = 'writes';

export class MemoryFile implements AppendFile {
  readonly name: string;
  readonly #mount: MemoryMount;
  readonly #state: MemoryFileState;
  #sizeBytes: number;
  #era = 0;
  #stop: Stop | undefined;
  #isPoisoned = false;
  #closing: Promise<void> | undefined;
  readonly #turns = new Turns();

  constructor(mount: MemoryMount, name: string, state: MemoryFileState) {
    this.#mount = mount;
    this.name = name;
    this.#state = state;
    this.#sizeBytes = state.sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#assertOpen();
    this.#assertWritable(this.#era);
    const era = this.#era;
    const before = this.#sizeBytes;
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#sizeBytes += length;
    await this.#turns.run(writes, async () => {
      this.#assertWritable(era);
      try {
        await this.#mount.turn('append', this.name);
        this.#mount.assertAlive();
        this.#mount.disk.assertRoomFor(length, this.name);
      } catch (error) {
        this.#appendFailed(error, era, before, chunks, length);
        throw error;
      }
      for (const chunk of chunks) this.#state.append(chunk);
      this.#mount.disk.counters.appends += 1;
      this.#mount.disk.counters.bytesAppended += length;
    });
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    this.#assertOpen();
    this.#assertCount(position, 'position');
    this.#assertCount(length, 'length');
    return this.#turns.track(this.#read(position, length));
  }

  async #read(position: number, length: number): Promise<Uint8Array> {
    await this.#mount.turn('read', this.name);
    const bytes = this.#state.read(
      position,
      Math.max(0, Math.min(length, this.#sizeBytes - position)),
    );
    this.#mount.disk.counters.reads += 1;
    this.#mount.disk.counters.bytesRead += bytes.length;
    return bytes;
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#assertOpen();
    if (this.#isPoisoned) throw poisonedError(this.name);
    this.#assertCount(sizeBytes, 'size');
    const before = this.#sizeBytes;
    if (sizeBytes > before) throw this.#wouldGrow(before, sizeBytes);
    const era = ++this.#era;
    this.#sizeBytes = sizeBytes;
    await this.#turns.run(writes, async () => {
      try {
        if (this.#isPoisoned) throw poisonedError(this.name);
        await this.#mount.turn('truncate', this.name);
        this.#mount.assertAlive();
        const goodBytes = this.#stop?.goodBytes ?? before;
        if (sizeBytes > goodBytes) throw this.#wouldGrow(goodBytes, sizeBytes);
      } catch (error) {
        this.#stopEra(error, era, Math.min(before, this.#stop?.goodBytes ?? before));
        throw error;
      }
      this.#state.truncate(sizeBytes);
      this.#stop = undefined;
      this.#mount.disk.counters.truncates += 1;
    });
  }

  async sync(): Promise<void> {
    this.#assertOpen();
    this.#assertWritable(this.#era);
    return this.#turns.track(this.#sync(this.#era));
  }

  async #sync(era: number): Promise<void> {
    const mark = await this.#turns.run(writes, async () => {
      this.#assertWritable(era);
      return this.#state.mark;
    });
    try {
      await this.#mount.turn('sync', this.name);
      this.#mount.assertAlive();
      if (this.#isPoisoned) throw poisonedError(this.name);
    } catch (error) {
      this.#isPoisoned = true;
      this.#mount.poison(this.name);
      throw error;
    }
    this.#mount.disk.syncFile(this.name, this.#state, mark);
  }

  close(): Promise<void> {
    this.#closing ??= this.#turns.idle().then(() => this.#mount.fileClosed(this.name));
    return this.#closing;
  }

  /** A random part of the failed bytes is on the disk, as after a short write; the rest is not. */
  #appendFailed(
    error: unknown,
    era: number,
    before: number,
    chunks: readonly Uint8Array[],
    length: number,
  ): void {
    this.#stopEra(error, era, before);
    if (!(error instanceof VolumeError) || error.kind === 'closed' || error.kind === 'full') return;
    let left = this.#mount.disk.random.uint32() % (length + 1);
    for (const chunk of chunks) {
      this.#state.append(chunk.subarray(0, left));
      left -= Math.min(left, chunk.length);
    }
  }

  #stopEra(error: unknown, era: number, goodBytes: number): void {
    const cause =
      error instanceof VolumeError
        ? error
        : new VolumeError('failed', String(error), { file: this.name, cause: error });
    this.#stop = { era, cause, goodBytes };
    if (era === this.#era) this.#sizeBytes = goodBytes;
  }

  #assertOpen(): void {
    this.#mount.assertAlive();
    if (this.#closing !== undefined)
      throw new VolumeError('closed', `${this.name} is closed`, { file: this.name });
  }

  #assertWritable(era: number): void {
    if (this.#isPoisoned) throw poisonedError(this.name);
    const stop = this.#stop;
    if (stop === undefined || stop.era !== era) return;
    throw new VolumeError(
      stop.cause.kind,
      `${this.name}: an append has failed; truncate to ${stop.goodBytes} bytes or less before going on`,
      { file: this.name, cause: stop.cause },
    );
  }

  #assertCount(value: number, what: string): void {
    if (Number.isSafeInteger(value) && value >= 0) return;
    throw new VolumeError('invalid', `${this.name}: ${what} ${value} is no count of bytes`, {
      file: this.name,
    });
  }

  #wouldGrow(from: number, to: number): VolumeError {
    return new VolumeError(
      'invalid',
      `${this.name} has ${from} bytes: truncating to ${to} would grow it`,
      { file: this.name },
    );
  }
}

export function poisonedError(name: string): VolumeError {
  return new VolumeError(
    'failed',
    `${name}: a sync has failed, what was written since the last good one may be lost; give this file up`,
    { file: name },
  );
}
