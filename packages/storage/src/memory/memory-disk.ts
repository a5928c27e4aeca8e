/**
 * A disk that lives in memory and can be cut off: the state that outlives a volume. A Volume is a mount of it, one at a time.
 *
 * The fault model of `crash()`, all of it drawn from the given Random:
 * - Synced bytes, synced cuts and replaced files stay, bit for bit.
 * - Bytes not synced are lost, kept, kept in part from the front, or kept with sectors of zeros or garbage among them (TornTail).
 * - A cut not synced may be undone, and what it cut comes back, torn itself where it had not been synced.
 * - A file created and never synced may be gone. A removed file may be back until the next sync or replace of any file.
 * - A replace under way leaves the old or the new bytes, never a mixture.
 * - Nothing else rots: `corrupt` is the only way to damage synced bytes.
 * What is under way on the mount fails with 'closed'; the mount is dead, and the disk can be mounted again.
 */
import { VolumeError, type Random, type VolumeErrorKind, type VolumeTraits } from '@odradek/ports';
import { MemoryFileState, type SyncMark, type TornTail } from './memory-file-state.ts';
import { MemoryMount, type MemoryVolume } from './memory-volume.ts';

export type MemoryOperation =
  | 'open'
  | 'append'
  | 'read'
  | 'truncate'
  | 'sync'
  | 'replace'
  | 'readSmall'
  | 'remove'
  | 'list';

export interface MemoryDiskOptions {
  readonly random: Random;
  /** 'none' unless told otherwise: it is gone with the process. A simulation whose disk outlives its processes says 'disk'. */
  readonly traits?: Partial<VolumeTraits>;
  /** All files together; an append or replace that does not fit fails with 'full'. */
  readonly capacityBytes?: number;
  /**
   * Awaited before each operation takes effect: a simulator's latency. Operations of one file keep their order, except
   * that reads overtake, and that appends run beside the syncs before them.
   */
  readonly pace?: (operation: MemoryOperation, name: string) => Promise<void> | undefined;
}

export interface MemoryCounters {
  appends: number;
  bytesAppended: number;
  syncs: number;
  reads: number;
  bytesRead: number;
  truncates: number;
  replaces: number;
  removes: number;
}

export interface Replacement {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface PlannedFailure {
  readonly operation: MemoryOperation;
  readonly kind: VolumeErrorKind;
  readonly prefix: string;
  afterCount: number;
}

interface Hold {
  readonly operation: MemoryOperation;
  readonly prefix: string;
  readonly released: Promise<void>;
  readonly release: () => void;
}

const openFilesMaxDefault = 100_000;

export class MemoryDisk {
  readonly random: Random;
  readonly traits: VolumeTraits;
  /** May be changed at any time. */
  capacityBytes: number;
  readonly counters: MemoryCounters = {
    appends: 0,
    bytesAppended: 0,
    syncs: 0,
    reads: 0,
    bytesRead: 0,
    truncates: 0,
    replaces: 0,
    removes: 0,
  };

  /** What programs see. */
  readonly files = new Map<string, MemoryFileState>();
  /** Which of them a crash is bound to keep. A file of this map that is not in `files` was removed, and may come back. */
  readonly #durableFiles = new Map<string, MemoryFileState>();
  /** Of the durable ones, those that were removed since the last sync or replace. */
  readonly #removed = new Map<string, MemoryFileState>();
  readonly #replacing = new Set<Replacement>();
  readonly #pace: MemoryDiskOptions['pace'];
  #failures: PlannedFailure[] = [];
  #holds: Hold[] = [];
  #mount: MemoryMount | undefined;

  constructor(options: MemoryDiskOptions) {
    this.random = options.random;
    this.traits = {
      durability: 'none',
      openFilesMax: openFilesMaxDefault,
      location: 'memory',
      ...options.traits,
    };
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
    this.#pace = options.pace;
  }

  /** Throws VolumeError 'locked' while another mount is open. */
  mount(): MemoryVolume {
    if (this.#mount !== undefined)
      throw new VolumeError(
        'locked',
        `${this.traits.location} is mounted already: close that volume first`,
      );
    this.#mount = new MemoryMount(this, () => (this.#mount = undefined));
    return this.#mount;
  }

  /** Cuts the power: see the fault model above. `torn` fixes the fate of unsynced bytes; otherwise each file's is drawn. */
  crash(torn?: TornTail): void {
    this.#mount?.die();
    this.#mount = undefined;
    for (const hold of this.#holds) hold.release();
    this.#holds = [];
    const names = new Set([...this.#durableFiles.keys(), ...this.files.keys()]);
    const survivors = new Map<string, MemoryFileState>();
    for (const name of names) {
      const survivor = this.#survivor(name);
      if (survivor !== undefined) survivors.set(name, survivor.afterCrash(this.random, torn));
    }
    for (const { name, bytes } of this.#replacing)
      if (this.#coin()) survivors.set(name, new MemoryFileState(bytes));
    this.#replacing.clear();
    this.#removed.clear();
    this.files.clear();
    this.#durableFiles.clear();
    for (const [name, state] of survivors) {
      this.files.set(name, state);
      this.#durableFiles.set(name, state);
    }
  }

  /**
   * Ends the program that has it mounted; the machine stays on. What was written stays, as in a page cache: a crash may still
   * take what was not synced. A replace under way has happened or not.
   */
  kill(): void {
    this.#mount?.die();
    this.#mount = undefined;
    for (const hold of this.#holds) hold.release();
    this.#holds = [];
    for (const replacement of this.#replacing) if (this.#coin()) this.commitReplace(replacement);
    this.#replacing.clear();
  }

  /**
   * After `afterCount` more operations of this sort, on files whose name starts with `prefix`, one fails. A failing append
   * leaves a random part of its bytes behind; a failing sync poisons its file.
   */
  failNext(
    operation: MemoryOperation,
    kind: VolumeErrorKind = 'failed',
    afterCount = 0,
    prefix = '',
  ): void {
    this.#failures.push({ operation, kind, prefix, afterCount });
  }

  /** Operations of this sort on files whose name starts with `prefix` wait until the returned function is called. */
  hold(operation: MemoryOperation, prefix = ''): () => void {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const hold: Hold = { operation, prefix, released, release };
    this.#holds.push(hold);
    return () => {
      this.#holds = this.#holds.filter((other) => other !== hold);
      release();
    };
  }

  /** Flips the bits of `mask` in one byte, now and for good. */
  corrupt(name: string, position: number, mask: number): void {
    const state = this.files.get(name);
    if (state === undefined) throw new RangeError(`no file ${name}`);
    state.corrupt(position, mask);
  }

  get usedBytes(): number {
    let bytes = 0;
    for (const state of this.files.values()) bytes += state.sizeBytes;
    return bytes;
  }

  assertRoomFor(growthBytes: number, name: string): void {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return;
    const usedBytes = this.usedBytes;
    if (usedBytes + growthBytes <= this.capacityBytes) return;
    throw new VolumeError(
      'full',
      `${this.traits.location} holds ${usedBytes} of ${this.capacityBytes} bytes: no room for ${growthBytes} more`,
      { file: name },
    );
  }

  // What follows is the mount's side.

  /** Waits for holds and pace. */
  async turn(operation: MemoryOperation, name: string): Promise<void> {
    for (
      let hold = this.#holdOf(operation, name);
      hold !== undefined;
      hold = this.#holdOf(operation, name)
    )
      await hold.released;
    const paced = this.#pace?.(operation, name);
    if (paced !== undefined) await paced;
  }

  /** What was planned and has not come yet does not come. */
  failNothing(): void {
    this.#failures = [];
  }

  /** The failure that is planned for this operation, counted down. */
  takeFailure(operation: MemoryOperation, name: string): VolumeError | undefined {
    for (const failure of this.#failures) {
      if (failure.operation !== operation || !name.startsWith(failure.prefix)) continue;
      if (failure.afterCount > 0) {
        failure.afterCount -= 1;
        continue;
      }
      this.#failures = this.#failures.filter((other) => other !== failure);
      return new VolumeError(failure.kind, `injected: ${operation} of ${name} fails`, {
        file: name,
      });
    }
    return undefined;
  }

  createFile(name: string): MemoryFileState {
    const state = new MemoryFileState();
    this.files.set(name, state);
    return state;
  }

  syncFile(name: string, state: MemoryFileState, mark: SyncMark): void {
    state.sync(mark);
    this.counters.syncs += 1;
    this.#settleRemovals();
    this.#durableFiles.set(name, state);
  }

  /** From here to `endReplace` a crash may leave the new bytes. */
  beginReplace(name: string, bytes: Uint8Array): Replacement {
    const replacement = { name, bytes };
    this.#replacing.add(replacement);
    return replacement;
  }

  commitReplace({ name, bytes }: Replacement): void {
    const state = new MemoryFileState(bytes);
    this.files.set(name, state);
    this.#settleRemovals();
    this.#durableFiles.set(name, state);
    this.counters.replaces += 1;
  }

  endReplace(replacement: Replacement): void {
    this.#replacing.delete(replacement);
  }

  #settleRemovals(): void {
    if (this.#removed.size === 0) return;
    for (const [name, state] of this.#removed)
      if (this.#durableFiles.get(name) === state) this.#durableFiles.delete(name);
    this.#removed.clear();
  }

  removeFile(name: string): void {
    const durable = this.#durableFiles.get(name);
    if (durable !== undefined) this.#removed.set(name, durable);
    if (this.files.delete(name)) this.counters.removes += 1;
  }

  #holdOf(operation: MemoryOperation, name: string): Hold | undefined {
    return this.#holds.find((hold) => hold.operation === operation && name.startsWith(hold.prefix));
  }

  /** Which of the states that the name may have on the disk is there after a crash. */
  #survivor(name: string): MemoryFileState | undefined {
    const durable = this.#durableFiles.get(name);
    const live = this.files.get(name);
    if (durable === live) return live;
    if (durable !== undefined && this.#coin()) return durable;
    return live !== undefined && this.#coin() ? live : undefined;
  }

  #coin(): boolean {
    return this.random.uint32() % 2 === 0;
  }
}
