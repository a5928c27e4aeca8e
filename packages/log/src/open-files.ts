/**
 * Files by name, opened when they are needed and closed when others need their place: a broker of thousands of partitions
 * has more segments than a system has handles. One OpenFiles stands for all logs of a volume; who needs a file while all
 * places are taken by files in use waits for one.
 *
 * Invariants: a name is open at most once; a file is closed only while nobody uses it; what a handle has written is
 * synced on that handle, so that a failure is seen: a file is pinned until then, and synced before it must give way.
 */
import type { AppendFile, Volume } from '@odradek/ports';
import { LogClosedError, assert } from './errors.ts';

export class OpenFiles {
  readonly #openMax: number;
  /** Least recently used first. */
  readonly #open = new Set<LogFile>();
  /** Open, or about to be. */
  #taken = 0;
  #waiting: (() => void)[] = [];

  constructor(openMax: number) {
    this.#openMax = Math.max(1, openMax);
  }

  get count(): number {
    return this.#taken;
  }

  /** A place for one more, at the cost of the least recently used if need be. */
  async takePlace(): Promise<void> {
    while (this.#taken >= this.#openMax) {
      const idle = this.#first((file) => file.isIdle) ?? this.#first((file) => file.isUnused);
      // Its failure to sync or close is told to whoever uses it next: the volume remembers.
      if (idle !== undefined) await idle.yieldPlace().catch(() => {});
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#taken++;
  }

  givePlace(file: LogFile): void {
    this.#open.delete(file);
    this.#taken--;
    this.somethingIsIdle();
  }

  used(file: LogFile): void {
    this.#open.delete(file);
    this.#open.add(file);
  }

  somethingIsIdle(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  #first(isWanted: (file: LogFile) => boolean): LogFile | undefined {
    for (const file of this.#open) if (isWanted(file)) return file;
    return undefined;
  }
}

export class LogFile {
  readonly name: string;
  readonly #volume: Volume;
  readonly #openFiles: OpenFiles;
  /** Kept while it is open: whoever awaits it goes on in the order of the calls, so that a sync never overtakes an append. */
  #file: Promise<AppendFile> | undefined;
  #closing: Promise<void> | undefined;
  #users = 0;
  #pins = 0;
  #isGone = false;
  #whenUnused: (() => void)[] = [];

  constructor(name: string, volume: Volume, openFiles: OpenFiles) {
    this.name = name;
    this.#volume = volume;
    this.#openFiles = openFiles;
  }

  get isUnused(): boolean {
    return this.#users === 0 && this.#file !== undefined;
  }

  /** Unused, and nothing in it waits for a sync. */
  get isIdle(): boolean {
    return this.#pins === 0 && this.isUnused;
  }

  /** Runs `work` with the file open; it stays open until `work` is done. Creates it when absent. */
  async use<T>(work: (file: AppendFile) => Promise<T>): Promise<T> {
    if (this.#isGone) throw new LogClosedError(this.name);
    this.#users++;
    try {
      const file = await (this.#file ??= this.#open());
      this.#openFiles.used(this);
      return await work(file);
    } finally {
      this.#users--;
      if (this.#users === 0) this.#unused();
    }
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    return this.use((file) => file.append(chunks));
  }

  sync(): Promise<void> {
    return this.use((file) => file.sync());
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.use((file) => file.read(position, length));
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.use((file) => file.truncate(sizeBytes));
  }

  /** Closes it for another's sake; what it holds unsynced is synced first, on the handle that wrote it. */
  async yieldPlace(): Promise<void> {
    try {
      if (this.#pins > 0) await this.sync();
    } finally {
      await this.close();
    }
  }

  /** Keeps it open until `unpin`, unless its place is needed. */
  pin(): void {
    this.#pins++;
  }

  unpin(): void {
    assert(this.#pins > 0, `${this.name} is unpinned more often than pinned`);
    this.#pins--;
    if (this.isIdle) this.#openFiles.somethingIsIdle();
  }

  /** Waits for its users, and closes it; it may be used again. */
  async close(): Promise<void> {
    while (this.#users > 0) await new Promise<void>((resolve) => this.#whenUnused.push(resolve));
    const file = this.#file;
    if (file === undefined) return this.#closing;
    this.#file = undefined;
    this.#closing = file
      .then((open) => open.close())
      .finally(() => {
        this.#closing = undefined;
        this.#openFiles.givePlace(this);
      });
    return this.#closing;
  }

  /** Closes it for good. */
  async retire(): Promise<void> {
    this.#isGone = true;
    await this.close();
  }

  /** Waits for its readers, and takes it off the volume. */
  async remove(): Promise<void> {
    await this.retire();
    await this.#volume.remove(this.name);
  }

  async #open(): Promise<AppendFile> {
    try {
      if (this.#closing !== undefined) await this.#closing;
      await this.#openFiles.takePlace();
    } catch (error) {
      this.#file = undefined;
      throw error;
    }
    try {
      return await this.#volume.open(this.name);
    } catch (error) {
      this.#file = undefined;
      this.#openFiles.givePlace(this);
      throw error;
    }
  }

  #unused(): void {
    if (this.isUnused) this.#openFiles.somethingIsIdle();
    const waiting = this.#whenUnused;
    if (waiting.length === 0) return;
    this.#whenUnused = [];
    for (const resume of waiting) resume();
  }
}
