/**
 * What the logs of one volume share, so that their sum is bounded: open files, memory for tails, memory for the indexes of
 * old segments. The owner makes one for each volume and hands it to every log on it.
 */
import type { Clock, VolumeTraits } from '@odradek/ports';
import { INDEX_BYTES_MAX, OPEN_FILES_RESERVE_RATIO, TAIL_BYTES_MAX } from './limits.ts';
import { OpenFiles } from './open-files.ts';
import { ReadAhead } from './read-ahead.ts';
import type { Segment } from './segment.ts';
import { TailBudget } from './tail-budget.ts';

export interface LogResourcesOptions {
  readonly clock: Clock;
  readonly traits: VolumeTraits;
  readonly tailBytesMax?: number;
  readonly indexBytesMax?: number;
  readonly openFilesMax?: number;
}

export class LogResources {
  readonly openFiles: OpenFiles;
  readonly tails: TailBudget;
  readonly indexes: IndexCache;
  readonly readAhead = new ReadAhead();
  /** Appended and not yet acknowledged, over all logs. */
  pendingBytes = 0;

  constructor({ clock, traits, tailBytesMax, indexBytesMax, openFilesMax }: LogResourcesOptions) {
    this.openFiles = new OpenFiles(
      openFilesMax ?? Math.floor(traits.openFilesMax * (1 - OPEN_FILES_RESERVE_RATIO)),
    );
    this.tails = new TailBudget(clock, tailBytesMax ?? TAIL_BYTES_MAX);
    this.indexes = new IndexCache(indexBytesMax ?? INDEX_BYTES_MAX);
  }

  /** After the last log is closed: no timer is left behind. */
  close(): void {
    this.tails.close();
    this.readAhead.close();
  }
}

/** Indexes of sealed segments, least recently used first; they can be read again at any time. */
export class IndexCache {
  readonly #bytesMax: number;
  readonly #segments = new Map<Segment, number>();
  #sizeBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  used(segment: Segment): void {
    this.dropped(segment);
    const size = segment.indexBytes;
    if (size === 0) return;
    this.#segments.set(segment, size);
    this.#sizeBytes += size;
    for (const oldest of this.#segments.keys()) {
      if (this.#sizeBytes <= this.#bytesMax || oldest === segment) return;
      this.dropped(oldest);
      oldest.dropIndexes();
    }
  }

  dropped(segment: Segment): void {
    this.#sizeBytes -= this.#segments.get(segment) ?? 0;
    this.#segments.delete(segment);
  }
}
