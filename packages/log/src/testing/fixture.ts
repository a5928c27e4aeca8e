/** What the tests of this package stand on: a clock that is moved by hand, batches, and a log on any volume. */
import { buildBatch, crc32cJs, leaderEpoch, offset, recordsIn } from '@odradek/protocol';
import type { BatchInput, Offset, RecordInput, Uuid } from '@odradek/protocol';
import { batchesIn, isCrcValid } from '@odradek/protocol';
import { silentLogger } from '@odradek/ports';
import type { Clock, Compression, Random, TimerHandle, Volume } from '@odradek/ports';
import { defaultLogConfig } from '../log-config.ts';
import type { LogConfig } from '../log-config.ts';
import { PartitionLog } from '../partition-log.ts';
import type { LogOptions } from '../partition-log.ts';
import type { ReadResult } from '../reader.ts';
import { asciiBytes, asciiText } from '../text.ts';

export const TOPIC_ID = '0123456789abcdef0123456789abcdef' as Uuid;
export const START_MS = 1_700_000_000_000;

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time stands still until `advance`; timers of 0 ms run when the event loop comes round. */
export class HandClock implements Clock {
  nowMs = 0;
  readonly #timers = new Set<Timer>();

  wallTimeMs = (): number => START_MS + this.nowMs;
  monotonicMs = (): number => this.nowMs;

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer: Timer = { atMs: this.nowMs + delayMs, callback };
    this.#timers.add(timer);
    if (delayMs === 0) void turns(1).then(() => this.#fire(timer));
    return timer;
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as Timer);
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    this.nowMs += ms;
    for (const timer of [...this.#timers]) if (timer.atMs <= this.nowMs) this.#fire(timer);
  }

  #fire(timer: Timer): void {
    if (this.#timers.delete(timer)) timer.callback();
  }
}

/** Lets everything settle that needs no clock. The memory volume settles by microtasks. */
export async function turns(count = 200): Promise<void> {
  for (let n = 0; n < count; n++) await undefined;
}

/** Not a codec of the world: bytes xored, so that a forgotten decompression is seen. */
export const xorCompression: Compression = {
  compress: (_, bytes) => bytes.map((byte) => byte ^ 0x5a),
  decompress: (_, bytes) => bytes.map((byte) => byte ^ 0x5a),
};

export const xorCodec = { codec: 'lz4', compress: xorCompression.compress } as const;

export type Words = readonly (string | readonly [key: string, value: string | null])[];

/** A batch of such records; `timestampMs` counts up by one a record. */
export function batchOf(
  words: Words,
  input: Partial<BatchInput> & { readonly timestampMs?: number } = {},
): Uint8Array {
  const { timestampMs = START_MS, ...rest } = input;
  const records: RecordInput[] = words.map((word, n) =>
    typeof word === 'string'
      ? { timestampMs: timestampMs + n, value: asciiBytes(word) }
      : {
          timestampMs: timestampMs + n,
          key: asciiBytes(word[0]),
          value: word[1] === null ? null : asciiBytes(word[1]),
        },
  );
  return buildBatch({ records, crc32c: crc32cJs, ...rest });
}

export interface FixtureOptions extends Partial<Omit<LogOptions, 'config' | 'volume'>> {
  readonly random: Random;
  readonly config?: Partial<LogConfig>;
}

export function openLog(
  volume: Volume,
  { config, ...options }: FixtureOptions,
): Promise<PartitionLog> {
  return PartitionLog.open({
    volume,
    topic: 'words',
    partition: 0,
    topicId: TOPIC_ID,
    clock: new HandClock(),
    logger: silentLogger,
    crc32c: crc32cJs,
    compression: xorCompression,
    ...options,
    config: { ...defaultLogConfig, ...config },
  });
}

export const EPOCH = leaderEpoch(3);

/** Appends as a client does, and gives the outcome; fails when it is refused. */
export function append(log: PartitionLog, words: Words, input: Parameters<typeof batchOf>[1] = {}) {
  const outcome = log.appendAsLeader(batchOf(words, input), {
    leaderEpoch: EPOCH,
    origin: 'client',
  });
  if (outcome.status === 'refused')
    throw new Error(`refused: ${outcome.errorCode} ${outcome.message}`);
  return outcome;
}

export interface ReadWord {
  readonly offset: Offset;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string | null;
}

/** Everything from an offset on, read piece by piece as consumers do. Checksums are checked. */
export async function readAll(
  log: PartitionLog,
  from: Offset = log.logStartOffset,
  maxBytes = 1_000,
): Promise<ReadWord[]> {
  const words: ReadWord[] = [];
  for (let at = from; at < log.logEndOffset;) {
    const result = await log.read(at, { maxBytes, atLeastOneBatch: true, below: log.logEndOffset });
    if (result.status !== 'ok' || result.sizeBytes === 0) break;
    for (const word of wordsOf(result)) if (word.offset >= at) words.push(word);
    at = result.nextOffset;
  }
  return words;
}

export function wordsOf(result: ReadResult): ReadWord[] {
  if (result.status !== 'ok') throw new Error(result.status);
  const words: ReadWord[] = [];
  for (const bytes of result.records) {
    for (const batch of batchesIn(bytes)) {
      if (!isCrcValid(batch, crc32cJs))
        throw new Error(`a batch with a bad checksum was served at offset ${batch.baseOffset}`);
      if (batch.isControl) continue;
      for (const record of recordsIn(batch, xorCompression.decompress)) {
        words.push({
          offset: record.offset,
          timestampMs: record.timestampMs,
          key: text(record.key),
          value: text(record.value),
        });
      }
    }
  }
  return words;
}

export const valuesOf = (words: readonly ReadWord[]): (string | null)[] =>
  words.map((word) => word.value);
export const at = (value: number): Offset => offset(value);
const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : asciiText(bytes);
