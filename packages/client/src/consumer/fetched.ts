/**
 * What a fetch brought for one partition: batches, in order, read one at a time when they are wanted. Markers of transactions, and under
 * read_committed the records of aborted ones, are passed over.
 */
import { batchesIn, isCrcValid, parseEndTxnMarker, recordsIn } from '@odradek/protocol';
import type { BatchView, RecordHeader } from '@odradek/protocol';
import { ProtocolViolation } from '../errors.ts';
import type { ClientHost } from '../host.ts';

/** Keys and values are views into what was fetched: copy what is kept for long. */
export interface ConsumerRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly leaderEpoch: number;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** A batch that unpacks to more is refused. */
const DECOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;

export class Fetched {
  readonly sizeBytes: number;
  readonly #batches: readonly BatchView[];
  readonly #aborted: AbortedTransaction[];
  readonly #open = new Set<number>();
  #next = 0;

  /** `aborted` is null when uncommitted records are wanted too. */
  constructor(bytes: Uint8Array, aborted: readonly AbortedTransaction[] | null) {
    this.#batches = [...batchesIn(bytes)];
    this.sizeBytes = bytes.length;
    this.#aborted = [...(aborted ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Behind the last batch; undefined when there is none. */
  get nextOffset(): number | undefined {
    return this.#batches.at(-1)?.nextOffset;
  }

  get isRead(): boolean {
    return this.#next >= this.#batches.length;
  }

  /** The next batch's records from `position` on, and where reading goes on. */
  read(
    host: ClientHost,
    topic: string,
    partition: number,
    position: number,
  ): {
    readonly records: readonly ConsumerRecord[];
    readonly nextOffset: number;
    readonly leaderEpoch: number;
  } {
    const batch = this.#batches[this.#next]!;
    this.#next += 1;
    const nextOffset = Math.max(position, batch.nextOffset);
    const leaderEpoch = batch.leaderEpoch;
    if (!isCrcValid(batch, host.crc32c))
      throw new ProtocolViolation(
        `${topic}-${partition}: the batch at offset ${batch.baseOffset} is damaged`,
      );
    // First, since it keeps the account of transactions.
    const isNobodys = this.#isNobodys(batch);
    if (isNobodys || batch.nextOffset <= position) return { records: [], nextOffset, leaderEpoch };
    const records: ConsumerRecord[] = [];
    for (const view of recordsIn(
      batch,
      (codec, bytes, limit) => host.compression.decompress(codec, bytes, limit),
      DECOMPRESSED_BYTES_MAX,
    )) {
      // A batch may begin before the offset that was asked for (KIP-74).
      if (view.offset < position) continue;
      const { offset, timestampMs, key, value, headers } = view;
      records.push({ topic, partition, offset, timestampMs, key, value, headers, leaderEpoch });
    }
    return { records, nextOffset, leaderEpoch };
  }

  #isNobodys(batch: BatchView): boolean {
    for (
      let first = this.#aborted[0];
      first !== undefined && first.firstOffset <= batch.lastOffset;
      first = this.#aborted[0]
    ) {
      this.#open.add(first.producerId);
      this.#aborted.shift();
    }
    if (batch.isControl) {
      const [marker] = recordsIn(batch);
      if (marker !== undefined && parseEndTxnMarker(marker)?.kind === 'abort')
        this.#open.delete(batch.producerId);
      return true;
    }
    return batch.isTransactional && this.#open.has(batch.producerId);
  }
}
