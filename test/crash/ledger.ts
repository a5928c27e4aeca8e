/**
 * What was sent to one partition and what was acknowledged, and the check of what is read against it:
 *
 *   - each acknowledged record is there, at the offset that was told, in its producer's order, once;
 *   - nothing is there that was not sent; offsets are consecutive; checksums hold;
 *   - what was once read below the high watermark stays as it was, and the high watermark never goes back.
 *
 * A compacted partition promises less: of each key the last acknowledged record, or a later one. One with retention, or with
 * deleted records, promises the same of what lies above its start, and a start that never goes back.
 */
import type { Compression, Crc32c } from '@odradek/ports';
import { recordsIn, type BatchView, type RecordView } from '@odradek/protocol';
import type { PartitionBounds } from '../support/partition-reader.ts';
import { readValue } from './values.ts';

export type Keeping = 'everything' | 'compacted' | { readonly retentionBytes: number };

export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

interface Batch {
  readonly baseSequence: number;
  readonly count: number;
}

interface OfProducer {
  readonly tag: number;
  /** Of the next record to be sent. */
  nextSequence: number;
  /** Of the first record that is not acknowledged. */
  acknowledged: number;
  /** By base sequence, of acknowledged batches. */
  readonly offsets: Map<number, number>;
  readonly keys: Map<string, { acknowledged: number; sent: number }>;
}

export class PartitionLedger {
  readonly topic: string;
  readonly partition: number;
  readonly keeping: Keeping;
  /** By producer id. */
  readonly #producers = new Map<number, OfProducer>();
  /** Checksums by base offset, of what was read before: unchanged batches need no second look inside. */
  readonly #seen = new Map<number, number>();
  /** The log may not start below: records that were deleted stay deleted. */
  deletedBelow = 0;
  /** Nor above: a deletion that was asked for and not answered may have happened. */
  deletionAsked = 0;
  logStartOffset = 0;
  highWatermark = 0;
  /** At the last check. */
  recordsRead = 0;

  constructor(topic: string, partition: number, keeping: Keeping) {
    this.topic = topic;
    this.partition = partition;
    this.keeping = keeping;
  }

  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  get acknowledgedRecords(): number {
    let sum = 0;
    for (const producer of this.#producers.values()) sum += producer.acknowledged;
    return sum;
  }

  nextSequenceOf(producerId: number, tag: number): number {
    return this.#of(producerId, tag).nextSequence;
  }

  sent(
    producerId: number,
    tag: number,
    { baseSequence, count }: Batch,
    keys: readonly string[],
  ): void {
    const producer = this.#of(producerId, tag);
    producer.nextSequence = baseSequence + count;
    keys.forEach((key, index) => {
      const known = producer.keys.get(key);
      if (known === undefined)
        producer.keys.set(key, { acknowledged: -1, sent: baseSequence + index });
      else known.sent = baseSequence + index;
    });
  }

  acknowledged(
    producerId: number,
    { baseSequence, count }: Batch,
    baseOffset: number,
    keys: readonly string[],
  ): void {
    const producer = this.#producers.get(producerId)!;
    if (producer.acknowledged !== baseSequence) {
      throw this.#broken(
        `sequence ${baseSequence} of producer ${producerId} was acknowledged before ${producer.acknowledged}`,
      );
    }
    producer.acknowledged = baseSequence + count;
    producer.offsets.set(baseSequence, baseOffset);
    keys.forEach((key, index) => (producer.keys.get(key)!.acknowledged = baseSequence + index));
  }

  /** Reads through `read`, which visits every batch from the log's start to the high watermark. */
  async check(
    read: (visit: (batch: BatchView) => void) => Promise<PartitionBounds>,
    tools: { readonly crc32c: Crc32c; readonly compression: Compression },
  ): Promise<void> {
    const isCompacted = this.keeping === 'compacted';
    const positions = new Map<number, { next: number; first: number }>();
    const latestOfKey = new Map<string, number>();
    let nextOffset: number | undefined;
    this.recordsRead = 0;
    const bounds = await read((batch) => {
      if (
        nextOffset !== undefined &&
        (isCompacted ? batch.baseOffset < nextOffset : batch.baseOffset !== nextOffset)
      ) {
        throw this.#broken(`a batch at offset ${batch.baseOffset} where ${nextOffset} was to come`);
      }
      nextOffset = batch.nextOffset;
      this.recordsRead += batch.recordCount;
      const producer = this.#producers.get(batch.producerId);
      if (producer === undefined)
        throw this.#broken(`a batch of producer ${batch.producerId}, who sent nothing`);
      if (isCompacted) {
        for (const record of this.#records(batch, tools))
          this.#checkCompacted(record, latestOfKey, positions, batch.producerId, producer);
        return;
      }
      const { baseSequence, recordCount } = batch;
      const position = positions.get(batch.producerId);
      if (position === undefined)
        positions.set(batch.producerId, { first: baseSequence, next: baseSequence + recordCount });
      else {
        if (position.next !== baseSequence) {
          throw this.#broken(
            `sequence ${baseSequence} of producer ${batch.producerId} at offset ${batch.baseOffset}, where ${position.next} was to come`,
          );
        }
        position.next += recordCount;
      }
      const told = producer.offsets.get(baseSequence);
      if (told !== undefined && told !== batch.baseOffset) {
        throw this.#broken(
          `sequence ${baseSequence} of producer ${batch.producerId} was acknowledged at offset ${told} and is at ${batch.baseOffset}`,
        );
      }
      this.#checkContents(batch, producer, tools);
    });
    this.#checkBounds(bounds, nextOffset, isCompacted);
    for (const [producerId, producer] of this.#producers) {
      if (isCompacted) this.#checkKeys(producerId, producer, latestOfKey);
      else this.#checkWhole(producerId, producer, positions.get(producerId), bounds);
    }
  }

  #checkContents(
    batch: BatchView,
    producer: OfProducer,
    tools: { readonly compression: Compression },
  ): void {
    const before = this.#seen.get(batch.baseOffset);
    if (before === batch.crc) return;
    if (before !== undefined)
      throw this.#broken(
        `the batch at offset ${batch.baseOffset} is not the one that was read before`,
      );
    let sequence = batch.baseSequence;
    for (const record of this.#records(batch, tools)) {
      const value = readValue(record.value);
      if (value === undefined || value.tag !== producer.tag || value.sequence !== sequence) {
        throw this.#broken(
          `offset ${record.offset} holds ${JSON.stringify(value)} instead of record ${sequence} of ${producer.tag}`,
        );
      }
      sequence += 1;
    }
    if (sequence > producer.nextSequence)
      throw this.#broken(`offset ${batch.baseOffset} holds records that were not sent`);
    this.#seen.set(batch.baseOffset, batch.crc);
  }

  #checkCompacted(
    record: RecordView,
    latestOfKey: Map<string, number>,
    positions: Map<number, { next: number; first: number }>,
    producerId: number,
    producer: OfProducer,
  ): void {
    const key = new TextDecoder().decode(record.key!);
    const value = readValue(record.value);
    if (value === undefined || value.tag !== producer.tag)
      throw this.#broken(`offset ${record.offset} holds ${JSON.stringify(value)}`);
    const position = positions.get(producerId);
    if (position !== undefined && value.sequence < position.next) {
      throw this.#broken(
        `record ${value.sequence} of producer ${producerId} comes after record ${position.next - 1}`,
      );
    }
    positions.set(producerId, { first: 0, next: value.sequence + 1 });
    latestOfKey.set(`${producerId}/${key}`, value.sequence);
  }

  #checkKeys(
    producerId: number,
    producer: OfProducer,
    latestOfKey: ReadonlyMap<string, number>,
  ): void {
    for (const [key, { acknowledged, sent }] of producer.keys) {
      const latest = latestOfKey.get(`${producerId}/${key}`) ?? -1;
      if (latest < acknowledged)
        throw this.#broken(
          `key ${key}: record ${acknowledged} of ${producerId} was acknowledged, ${latest} is the last there`,
        );
      if (latest > sent) throw this.#broken(`key ${key}: record ${latest} was never sent`);
    }
  }

  #checkWhole(
    producerId: number,
    producer: OfProducer,
    position: { next: number; first: number } | undefined,
    bounds: PartitionBounds,
  ): void {
    const next = position?.next ?? 0;
    const isCut = bounds.logStartOffset > 0;
    if (position === undefined && isCut) return;
    if (next < producer.acknowledged) {
      throw this.#broken(
        `records up to ${producer.acknowledged} of producer ${producerId} were acknowledged, those up to ${next} are there`,
      );
    }
    if (!isCut && position !== undefined && position.first !== 0)
      throw this.#broken(`the first record of producer ${producerId} is ${position.first}`);
  }

  #checkBounds(
    bounds: PartitionBounds,
    nextOffset: number | undefined,
    isCompacted: boolean,
  ): void {
    const { logStartOffset, highWatermark, sizeBytes } = bounds;
    if (highWatermark < this.highWatermark)
      throw this.#broken(
        `the high watermark went back from ${this.highWatermark} to ${highWatermark}`,
      );
    if (logStartOffset < this.logStartOffset)
      throw this.#broken(
        `the log's start went back from ${this.logStartOffset} to ${logStartOffset}`,
      );
    if (logStartOffset < this.deletedBelow)
      throw this.#broken(
        `records below ${this.deletedBelow} were deleted, and the log starts at ${logStartOffset}`,
      );
    if (this.keeping === 'everything' && logStartOffset > this.deletionAsked)
      throw this.#broken(
        `the log starts at ${logStartOffset}, and nothing above ${this.deletionAsked} was to be deleted`,
      );
    if (
      typeof this.keeping === 'object' &&
      logStartOffset > 0 &&
      sizeBytes < this.keeping.retentionBytes
    ) {
      throw this.#broken(
        `${sizeBytes} bytes are left where retention.bytes is ${this.keeping.retentionBytes}`,
      );
    }
    if (!isCompacted && (nextOffset ?? highWatermark) !== highWatermark)
      throw this.#broken(`reading ends at ${nextOffset}, the high watermark is ${highWatermark}`);
    if (!isCompacted && nextOffset === undefined && highWatermark > logStartOffset)
      throw this.#broken(`nothing is read from ${logStartOffset} to ${highWatermark}`);
    this.highWatermark = highWatermark;
    this.logStartOffset = logStartOffset;
  }

  #records(
    batch: BatchView,
    { compression }: { readonly compression: Compression },
  ): Iterable<RecordView> {
    return recordsIn(
      batch,
      (codec, bytes, limitBytes) => compression.decompress(codec, bytes, limitBytes),
      64 * 1024 * 1024,
    );
  }

  #of(producerId: number, tag: number): OfProducer {
    let producer = this.#producers.get(producerId);
    if (producer === undefined) {
      producer = { tag, nextSequence: 0, acknowledged: 0, offsets: new Map(), keys: new Map() };
      this.#producers.set(producerId, producer);
    }
    return producer;
  }

  #broken(what: string): BrokenPromise {
    return new BrokenPromise(`${this.name}: ${what}`);
  }
}
