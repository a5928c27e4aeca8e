/**
 * A mounted memory disk. Everything settles by microtasks alone (unless the disk is told to pace or hold), so that a
 * simulated history needs no timers.
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
import type { MemoryDisk, MemoryOperation } from './memory-disk.ts';
import { MemoryFile, poisonedError } from './memory-file.ts';
import type { TornTail } from './memory-file-state.ts';

export interface MemoryVolume extends Volume {
  /** Outlives this volume: fault injection, counters, `mount()`. */
  readonly disk: MemoryDisk;
  /** Cuts the power: this volume is dead, `disk.mount()` gives the next one. */
  crash(torn?: TornTail): void;
}

export class MemoryMount implements MemoryVolume {
  readonly disk: MemoryDisk;
  readonly #unmount: () => void;
  /** By name; undefined while it is being opened. */
  readonly #files = new Map<string, MemoryFile | undefined>();
  readonly #poisoned = new Set<string>();
  readonly #turns = new Turns();
  #phase: 'open' | 'closing' | 'closed' = 'open';
  #closing: Promise<void> | undefined;

  constructor(disk: MemoryDisk, unmount: () => void) {
    this.disk = disk;
    this.#unmount = unmount;
  }

  get traits(): VolumeTraits {
    return this.disk.traits;
  }

  async open(name: string): Promise<AppendFile> {
    this.#assertMayTake(name);
    if (this.#poisoned.has(name)) throw poisonedError(name);
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
        await this.turn('open', name);
        this.assertAlive();
        const file = new MemoryFile(
          this,
          name,
          this.disk.files.get(name) ?? this.disk.createFile(name),
        );
        this.#files.set(name, file);
        return file;
      } catch (error) {
        this.#files.delete(name);
        throw error;
      }
    });
  }

  async list(prefix: string): Promise<readonly FileEntry[]> {
    this.#assertOpen();
    return this.#turns.track(this.#list(prefix));
  }

  async #list(prefix: string): Promise<readonly FileEntry[]> {
    await this.turn('list', prefix);
    const entries: FileEntry[] = [];
    for (const [name, state] of this.disk.files)
      if (name.startsWith(prefix)) entries.push({ name, sizeBytes: state.sizeBytes });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async remove(name: string): Promise<void> {
    this.#assertMayTake(name);
    return this.#turns.run(name, async () => {
      await this.turn('remove', name);
      this.assertAlive();
      this.disk.removeFile(name);
      this.#poisoned.delete(name);
    });
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.#assertMayTake(name);
    if (bytes.length > SMALL_FILE_BYTES_MAX) throw tooLarge(name, bytes.length);
    const content = bytes.slice();
    return this.#turns.run(name, async () => {
      const replacement = this.disk.beginReplace(name, content);
      try {
        await this.turn('replace', name);
        this.assertAlive();
        this.disk.assertRoomFor(content.length - (this.disk.files.get(name)?.sizeBytes ?? 0), name);
        this.disk.commitReplace(replacement);
        this.#poisoned.delete(name);
      } finally {
        this.disk.endReplace(replacement);
      }
    });
  }

  async readSmall(name: string): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    assertFileName(name);
    return this.#turns.run(name, async () => {
      await this.turn('readSmall', name);
      const state = this.disk.files.get(name);
      if (state === undefined) return undefined;
      if (state.sizeBytes > SMALL_FILE_BYTES_MAX) throw tooLarge(name, state.sizeBytes);
      return state.read(0, state.sizeBytes);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    if (this.#phase === 'closed') return;
    this.#phase = 'closing';
    await this.#turns.idle();
    await Promise.all(Array.from(this.#files.values(), (file) => file?.close()));
    if (this.#isDead()) return;
    this.#phase = 'closed';
    this.#unmount();
  }

  crash(torn?: TornTail): void {
    if (this.#phase === 'closed')
      throw new VolumeError('closed', 'the volume is closed: crash its disk instead');
    this.disk.crash(torn);
  }

  // What follows is for the disk and the files.

  /** The power is gone: whatever is under way fails. */
  die(): void {
    this.#phase = 'closed';
    this.#files.clear();
  }

  fileClosed(name: string): void {
    this.#files.delete(name);
  }

  poison(name: string): void {
    this.#poisoned.add(name);
  }

  /** For what was called before the close, and may come to its end. */
  assertAlive(): void {
    if (this.#phase === 'closed')
      throw new VolumeError('closed', `${this.traits.location} is closed`);
  }

  /**
   * Waits for the operation's time to take effect, and throws the failure that is planned for it. The power may go once more
   * before the caller goes on: `assertAlive` right before anything on the disk changes.
   */
  async turn(operation: MemoryOperation, name: string): Promise<void> {
    await this.disk.turn(operation, name);
    this.assertAlive();
    const failure = this.disk.takeFailure(operation, name);
    if (failure !== undefined) throw failure;
  }

  /** The power may go at any time. */
  #isDead(): boolean {
    return this.#phase === 'closed';
  }

  #assertOpen(): void {
    if (this.#phase !== 'open')
      throw new VolumeError('closed', `${this.traits.location} is closed`);
  }

  #assertMayTake(name: string): void {
    this.#assertOpen();
    assertFileName(name);
    if (this.#files.has(name))
      throw new VolumeError('locked', `${name} is open: close it first`, { file: name });
  }
}

function tooLarge(name: string, sizeBytes: number): VolumeError {
  return new VolumeError(
    'invalid',
    `${name}: ${sizeBytes} bytes are too many for a small file (${SMALL_FILE_BYTES_MAX})`,
    { file: name },
  );
}
