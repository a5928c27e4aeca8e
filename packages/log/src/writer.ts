/**
 * Group commit. Appends are queued as spans of tail chunks; one write is under way at a time, and what is queued meanwhile
 * goes down together in the next. With flush.messages=1 a sync runs beside the writes: it serves all that was written when
 * it began, acknowledges that, and begins again while there is more. Measured on ext4: writing on while a sync waits for the
 * disk gives 1.3 to 2.5 times of taking turns. How much may be written and not yet synced is bounded, and all of it lies in
 * one segment: recovery builds on both (damage.ts). With a larger flush.messages an append is acknowledged when it is
 * written, and synced behind.
 *
 * Jobs (a new segment's file, a checkpoint) stand in the same queue, so that the disk sees the log's decisions in their order.
 *
 * The first failure is the last thing that happens: the state of the file is unknown then, a failed sync above all, which is
 * never tried again. Nothing that was not acknowledged before will be.
 */
import type { Offset } from '@odradek/protocol';
import type { Clock, Mutants, TimerHandle } from '@odradek/ports';
import { asError } from './errors.ts';
import { UNSYNCED_BYTES_MAX, WRITE_GROUP_BYTES_MAX } from './limits.ts';
import { NEVER } from './log-config.ts';
import type { LogConfig } from './log-config.ts';
import type { LogFile } from './open-files.ts';
import type { LogResources } from './resources.ts';
import type { Segment } from './segment.ts';
import type { TailChunk } from './tail.ts';

/** setTimeout's bound in every host. */
const TIMER_MS_MAX = 2_147_483_647;

export interface WriterOptions {
  readonly clock: Clock;
  readonly resources: LogResources;
  readonly mutants: Mutants;
  readonly config: () => LogConfig;
  /** Where the log ends; all of it is on the disk. */
  readonly endOffset: Offset;
  readonly onFlushed: (flushedOffset: Offset) => void;
  readonly onFailed: (error: Error) => void;
}

interface Span {
  readonly chunk: TailChunk;
  readonly start: number;
  end: number;
  nextOffset: Offset;
}

interface Job {
  readonly run: () => Promise<void>;
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

export class Writer {
  readonly #options: WriterOptions;
  #queue: (Span | Job)[] = [];
  /** Of the queue. */
  #head = 0;
  #isRunning = false;
  #failure: Error | undefined;
  /** Log files with bytes that are written and not synced; pinned. */
  #unsynced = new Set<LogFile>();
  #syncing: Promise<void> | undefined;
  #isSyncingBehind = false;
  /** Counted from the beginning. */
  #writtenBytes = 0;
  #syncedBytes = 0;
  #acknowledgedBytes = 0;
  #lastSegment: Segment | undefined;
  #flushTimer: TimerHandle | undefined;
  /** Acknowledged: as durable as the flush policy promises. */
  flushedOffset: Offset;
  /** Written: a crash of the process leaves it. */
  writtenOffset: Offset;
  /** Synced: a crash of the machine leaves it. */
  syncedOffset: Offset;
  /** Queued or under way, not yet acknowledged. */
  pendingBytes = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.flushedOffset = options.endOffset;
    this.writtenOffset = options.endOffset;
    this.syncedOffset = options.endOffset;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The chunk's bytes [start, end) are to follow what was queued before. */
  write(chunk: TailChunk, start: number, end: number, nextOffset: Offset): void {
    this.pendingBytes += end - start;
    this.#options.resources.pendingBytes += end - start;
    const last = this.#queue.length > this.#head ? this.#queue.at(-1) : undefined;
    if (last !== undefined && 'chunk' in last && last.chunk === chunk && last.end === start) {
      last.end = end;
      last.nextOffset = nextOffset;
      return;
    }
    this.#queue.push({ chunk, start, end, nextOffset });
    this.#start();
  }

  /** Runs after everything queued before it, and before everything after. */
  job(run: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((done, failed) => {
      this.#queue.push({ run, done, failed });
      this.#start();
    });
  }

  /** All that was appended before is on the disk, whatever the flush policy. */
  flush(): Promise<void> {
    return this.job(() => this.sync());
  }

  /** The log was cut, or begun anew, at `endOffset`; nothing is queued. */
  restartAt(endOffset: Offset): void {
    this.flushedOffset = endOffset;
    this.writtenOffset = endOffset;
    this.syncedOffset = endOffset;
    this.#syncedBytes = this.#writtenBytes;
    this.#acknowledgedBytes = this.#writtenBytes;
  }

  stop(): void {
    if (this.#flushTimer !== undefined) this.#options.clock.clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
  }

  /** Nothing more is written or acknowledged, and the owner is told. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.abandon(error);
    this.#options.onFailed(error);
  }

  /** As `fail`, without a word: the owner wants it so. */
  abandon(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.stop();
    const jobs = this.#queue.slice(this.#head).filter((entry) => 'run' in entry);
    this.#queue = [];
    this.#head = 0;
    this.#settle(this.pendingBytes);
    for (const job of jobs) job.failed(error);
  }

  #start(): void {
    if (this.#isRunning || this.#failure !== undefined) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      // Everything that this turn of the event loop appends goes down together.
      await undefined;
      while (this.#failure === undefined && this.#head < this.#queue.length) {
        const next = this.#queue[this.#head]!;
        if ('run' in next) await this.#runJob(next);
        else await this.#writeGroup(next);
        this.#compactQueue();
      }
    } catch (error) {
      this.fail(asError(error));
    } finally {
      this.#isRunning = false;
    }
  }

  async #runJob(job: Job): Promise<void> {
    this.#head++;
    try {
      await job.run();
    } catch (error) {
      job.failed(asError(error));
      throw error;
    }
    job.done();
  }

  async #writeGroup(first: Span): Promise<void> {
    const { segment } = first.chunk;
    await this.#waitForSync(segment);
    if (this.#failure !== undefined) return;
    const spans: Span[] = [];
    let sizeBytes = 0;
    while (this.#head < this.#queue.length) {
      const next = this.#queue[this.#head]!;
      if ('run' in next || next.chunk.segment !== segment) break;
      if (spans.length > 0 && sizeBytes + next.end - next.start > WRITE_GROUP_BYTES_MAX) break;
      spans.push(next);
      sizeBytes += next.end - next.start;
      this.#head++;
    }
    const { file } = segment;
    if (!this.#unsynced.has(file)) {
      this.#unsynced.add(file);
      file.pin();
    }
    await file.append(spans.map(({ chunk, start, end }) => chunk.bytes.subarray(start, end)));
    for (const { chunk, end } of spans) chunk.written = end;
    this.#writtenBytes += sizeBytes;
    this.writtenOffset = spans.at(-1)!.nextOffset;
    first.chunk.tail.trim();
    const { flushMessages, flushMs } = this.#options.config();
    if (flushMessages <= 1) {
      if (this.#options.mutants.has('acknowledgeBeforeFlush'))
        this.#acknowledge(this.writtenOffset, this.#writtenBytes);
      return this.#syncBehind();
    }
    this.#acknowledge(this.writtenOffset, this.#writtenBytes);
    if (this.writtenOffset - this.syncedOffset >= flushMessages) this.#syncBehind();
    else if (flushMs < NEVER) {
      this.#flushTimer ??= this.#options.clock.setTimeout(
        this.#flushTimeUp,
        Math.min(flushMs, TIMER_MS_MAX),
      );
    }
  }

  /** Until there is room for unsynced bytes, and none are left in an older segment. */
  async #waitForSync(segment: Segment): Promise<void> {
    const isNext = this.#lastSegment !== segment;
    this.#lastSegment = segment;
    if (this.#options.config().flushMessages > 1) return;
    if (isNext) await this.sync();
    while (
      this.#writtenBytes - this.#syncedBytes >= UNSYNCED_BYTES_MAX &&
      this.#failure === undefined
    )
      await (this.#syncing ?? this.sync());
  }

  /** What is written by now is on the disk, whatever stands in the queue. */
  async sync(): Promise<void> {
    const upTo = this.writtenOffset;
    while (this.syncedOffset < upTo && this.#failure === undefined) {
      this.#syncing ??= this.#syncOnce().finally(() => (this.#syncing = undefined));
      await this.#syncing;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #syncOnce(): Promise<void> {
    const upTo = this.writtenOffset;
    const writtenBytes = this.#writtenBytes;
    // In the order in which they were written: an older segment is never less durable than a younger one.
    for (const file of [...this.#unsynced]) {
      this.#unsynced.delete(file);
      try {
        await file.sync();
      } catch (error) {
        if (!this.#options.mutants.has('log.failedFlushIgnored')) throw error;
      } finally {
        file.unpin();
      }
    }
    if (this.#failure !== undefined) return;
    this.syncedOffset = upTo;
    this.#syncedBytes = writtenBytes;
    this.#acknowledge(upTo, writtenBytes);
  }

  /** Beside the writes, until nothing is left to sync. */
  #syncBehind(): void {
    if (this.#isSyncingBehind) return;
    this.#isSyncingBehind = true;
    const run = async (): Promise<void> => {
      try {
        while (this.syncedOffset < this.writtenOffset) await this.sync();
      } finally {
        // In the same turn as the last look: a write that ends a moment later must find nobody at work and start anew.
        this.#isSyncingBehind = false;
      }
    };
    run().catch((error: unknown) => this.fail(asError(error)));
  }

  #flushTimeUp = (): void => {
    this.#flushTimer = undefined;
    this.#syncBehind();
  };

  #acknowledge(upTo: Offset, writtenBytes: number): void {
    if (this.#failure !== undefined || upTo <= this.flushedOffset) return;
    this.#settle(writtenBytes - this.#acknowledgedBytes);
    this.#acknowledgedBytes = writtenBytes;
    this.flushedOffset = upTo;
    this.#options.onFlushed(upTo);
  }

  #settle(sizeBytes: number): void {
    this.pendingBytes -= sizeBytes;
    this.#options.resources.pendingBytes -= sizeBytes;
  }

  #compactQueue(): void {
    if (this.#head < this.#queue.length && this.#head < 1024) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }
}
