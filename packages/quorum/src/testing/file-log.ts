/**
 * The least that a QuorumLog can be, over one file of a Volume: group commit, recovery by checksums, a start that moves. For
 * tests of the member alone; PartitionLog is the real one.
 */
import type { AppendFile, Crc32c, Volume } from '@odradek/ports';
import {
  BatchView,
  batchesIn,
  isCrcValid,
  leaderEpoch,
  offset,
  utf8Decode,
  utf8Encode,
  type LeaderEpoch,
  type Offset,
} from '@odradek/protocol';
import type { QuorumAppend, QuorumLog, QuorumRead } from '../member/quorum-log.ts';

const FILE = '__cluster_metadata-0/00000000000000000000.log';
const START_FILE = '__cluster_metadata-0/log-start';

interface Stored {
  readonly baseOffset: Offset;
  readonly nextOffset: Offset;
  readonly epoch: LeaderEpoch;
  readonly bytes: Uint8Array;
}

export class FileLog implements QuorumLog {
  static async open(volume: Volume, crc32c: Crc32c): Promise<FileLog> {
    const file = await volume.open(FILE);
    const bytes = await file.read(0, file.sizeBytes);
    const stored: Stored[] = [];
    let goodBytes = 0;
    try {
      for (const view of batchesIn(bytes)) {
        if (view.magic !== 2 || !isCrcValid(view, crc32c)) break;
        stored.push(storedOf(view));
        goodBytes = view.start + view.sizeBytes;
      }
    } catch {
      // A torn tail.
    }
    if (goodBytes < file.sizeBytes) {
      await file.truncate(goodBytes);
      await file.sync();
    }
    const start = await volume.readSmall(START_FILE);
    return new FileLog(
      volume,
      file,
      stored,
      offset(start === undefined ? 0 : Number(utf8Decode(start))),
    );
  }

  onFlushed: (flushedOffset: Offset) => void = () => {};
  onFailed: (error: Error) => void = () => {};
  logStartOffset: Offset;
  highWatermark = offset(0);
  flushCount = 0;
  readonly #volume: Volume;
  readonly #file: AppendFile;
  readonly #stored: Stored[];
  #flushedOffset: Offset;
  #queue: Uint8Array[] = [];
  #isFlushing = false;

  private constructor(volume: Volume, file: AppendFile, stored: Stored[], logStartOffset: Offset) {
    this.#volume = volume;
    this.#file = file;
    this.#stored = stored;
    this.logStartOffset = logStartOffset;
    this.#flushedOffset = this.logEndOffset;
  }

  get logEndOffset(): Offset {
    return this.#stored.at(-1)?.nextOffset ?? offset(0);
  }

  get flushedOffset(): Offset {
    return this.#flushedOffset;
  }

  get latestEpoch(): LeaderEpoch {
    return this.#stored.at(-1)?.epoch ?? leaderEpoch(-1);
  }

  appendAsLeader(records: Uint8Array): QuorumAppend {
    const view = new BatchView(records);
    if (view.baseOffset !== this.logEndOffset)
      return { status: 'refused', message: `offset ${view.baseOffset} at ${this.logEndOffset}` };
    this.#stored.push(storedOf(view));
    this.#queue.push(records);
    if (!this.#isFlushing) void this.#flush();
    return { status: 'appended', baseOffset: view.baseOffset, lastOffset: view.lastOffset };
  }

  read(from: Offset, { maxBytes, below }: { maxBytes: number; below: Offset }): QuorumRead {
    if (from < this.logStartOffset) return { status: 'outOfRange' };
    const records: Uint8Array[] = [];
    let nextOffset = from;
    let left = maxBytes;
    for (const batch of this.#stored) {
      if (batch.nextOffset <= from || batch.nextOffset > below) continue;
      if (left <= 0) break;
      left -= batch.bytes.length;
      records.push(batch.bytes);
      nextOffset = batch.nextOffset;
    }
    return { status: 'ok', records, nextOffset };
  }

  setHighWatermark(highWatermark: Offset): void {
    this.highWatermark = highWatermark;
  }

  async deleteRecordsBefore(start: Offset): Promise<void> {
    if (start <= this.logStartOffset) return;
    this.logStartOffset = start;
    await this.#volume.replace(START_FILE, utf8Encode(String(start)));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    this.#isFlushing = true;
    try {
      while (this.#queue.length > 0) {
        const end = this.logEndOffset;
        const chunks = this.#queue;
        this.#queue = [];
        await this.#file.append(chunks);
        await this.#file.sync();
        this.flushCount += 1;
        this.#flushedOffset = end;
        this.onFlushed(end);
      }
      this.#isFlushing = false;
    } catch (error) {
      this.onFailed(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function storedOf(view: BatchView): Stored {
  const { baseOffset, nextOffset, leaderEpoch: epoch } = view;
  return { baseOffset, nextOffset, epoch, bytes: view.slice() };
}
