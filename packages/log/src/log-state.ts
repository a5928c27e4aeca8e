/**
 * What one log knows and holds. partition-log.ts makes it and changes it synchronously when it decides; the other files of
 * this package are functions over it. Offsets here are decisions; how far the disk has followed is the writer's to say.
 */
import { offset } from '@odradek/protocol';
import type { Decompress, Offset } from '@odradek/protocol';
import type {
  Clock,
  Compression,
  Crc32c,
  Logger,
  LogObserver,
  Mutants,
  Random,
  Volume,
} from '@odradek/ports';
import type { LeaderEpochs } from './leader-epochs.ts';
import type { LogConfig } from './log-config.ts';
import { segmentFile } from './names.ts';
import { LogFile } from './open-files.ts';
import type { ProducerStates } from './producer-state.ts';
import type { LogResources } from './resources.ts';
import { Segment } from './segment.ts';
import type { SegmentOptions } from './segment.ts';
import type { Reaper } from './reaper.ts';
import type { Serial } from './serial.ts';
import type { Tail } from './tail.ts';
import type { Writer } from './writer.ts';

/** What a host gives. */
export interface LogPorts {
  readonly volume: Volume;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly crc32c: Crc32c;
  readonly compression: Compression;
  /** For segment.jitter.ms and the hash of compaction's map. */
  readonly random: Random;
  readonly resources: LogResources;
}

/** The ports, and what is made of them once for all logs. */
export interface LogHost extends LogPorts {
  /** The compression port's, for the records functions. */
  readonly decompress: Decompress;
  /** None, outside of a simulation. */
  readonly mutants: Mutants;
  readonly observer: LogObserver | undefined;
}

/** The files and their contents, without the running parts: all that recovery needs and makes. */
export interface LogContents {
  readonly ports: LogHost;
  readonly folder: string;
  config: LogConfig;
  /** By base offset, rising; one at least once open. The last is active. */
  segments: Segment[];
  readonly epochs: LeaderEpochs;
  readonly producers: ProducerStates;
  /** Producer snapshots on the disk. */
  readonly snapshots: Set<Offset>;
  logStartOffset: Offset;
  logEndOffset: Offset;
  /** It may lack what it acknowledged: its end was cut at this start or an earlier one, and it has not caught up since. */
  isIncomplete: boolean;
  /** Derived files being written; a failure fails the log. Nobody's acknowledgement waits for them, the recovery point does. */
  readonly background?: Serial;
  /** What is not on the disk yet, once the log is open. */
  readonly tail?: Tail;
}

export type LogPhase = 'open' | 'truncating' | 'closing' | 'closed';

export interface LogState extends LogContents {
  readonly tail: Tail;
  readonly writer: Writer;
  readonly background: Serial;
  /** Retention, compaction, truncation: one at a time. */
  readonly maintenance: Serial;
  highWatermark: Offset;
  /** Of the leader epochs, what leader-epoch-checkpoint holds. */
  savedEpochsRevision: number;
  sealsUnderWay: number;
  /** 'open' takes appends. */
  phase: LogPhase;
  /** What was reported last; it stays while a checkpoint is behind. */
  recoveryPoint: Offset;
  /** Below it the log is compacted: the next compaction begins there. */
  firstDirtyOffset: Offset;
  /** Where the log ended when its files were last as a clean close leaves them; -1: they are not. */
  cleanEndOffset: Offset;
  readonly reaper: Reaper;
  /** Exclusive operations that wait: a compaction under way gives up for them. */
  urgent: number;
  /** Counts truncations and compactions: what was read of a segment before one is not believed after it. */
  generation: number;
}

export function newSegment(
  log: Pick<LogContents, 'ports' | 'folder' | 'config'>,
  options: Pick<SegmentOptions, 'baseOffset'> & Partial<SegmentOptions>,
): Segment {
  const { ports, folder, config } = log;
  const jitterMs = Math.min(config.segmentJitterMs, config.segmentMs);
  return new Segment({
    file: new LogFile(
      segmentFile(folder, options.baseOffset, '.log'),
      ports.volume,
      ports.resources.openFiles,
    ),
    createdMs: ports.clock.wallTimeMs(),
    rollJitterMs: jitterMs > 0 ? ports.random.uint32() % jitterMs : 0,
    ...options,
  });
}

export const activeSegment = (log: Pick<LogContents, 'segments'>): Segment => log.segments.at(-1)!;

/** Which segment would hold this offset; -1: it is before the first. */
export function segmentIndexOf(segments: readonly Segment[], at: Offset): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (segments[middle]!.baseOffset > at) high = middle;
    else low = middle + 1;
  }
  return low - 1;
}

/** Below which offset everything of the segment lies. */
export function segmentEnd(
  log: Pick<LogContents, 'segments' | 'logEndOffset'>,
  segment: Segment,
): Offset {
  const next = log.segments[segmentIndexOf(log.segments, segment.baseOffset) + 1];
  return next?.baseOffset ?? offset(Math.max(log.logEndOffset, segment.baseOffset));
}

export function sizeBytesOf(segments: readonly Segment[]): number {
  let sum = 0;
  for (const segment of segments) sum += segment.sizeBytes;
  return sum;
}

/** Runs `work`, again if segments were replaced or cut under it: what it found may be of files that are no more. */
export async function onOneGeneration<T>(log: LogState, work: () => T | Promise<T>): Promise<T> {
  for (;;) {
    const { generation } = log;
    try {
      const result = await work();
      if (log.generation === generation) return result;
    } catch (error) {
      if (log.generation === generation || log.phase === 'closed') throw error;
    }
  }
}

/** Background work gives the event loop back. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.setTimeout(resolve, 0));
}
