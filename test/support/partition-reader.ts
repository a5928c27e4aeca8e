/** Reads a partition from its start to its high watermark, as a consumer that checks everything would. */
import type { Crc32c } from '@odradek/ports';
import { ErrorCode, batchesIn, isCrcValid, type BatchView } from '@odradek/protocol';
import { fetchOnce, nameOf, offsetOf } from './steps.ts';
import type { WireClient } from './wire-client.ts';

export interface PartitionBounds {
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** Behind the last batch that was read: the high watermark, unless the end was compacted away. */
  readonly nextOffset: number;
  readonly sizeBytes: number;
}

/** What a broker must never serve: a batch whose checksum is wrong, an offset that goes back, an end before the high watermark. */
export class WrongData extends Error {
  override readonly name = 'WrongData';
}

/** The partition cannot be read, and the broker says so. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
  readonly errorCode: number;
  constructor(where: string, errorCode: number) {
    super(`${where}: ${nameOf(errorCode)}`);
    this.errorCode = errorCode;
  }
}

export const readPartition = async (
  client: WireClient,
  topic: string,
  partition: number,
  crc32c: Crc32c,
  visit: (batch: BatchView) => void,
): Promise<PartitionBounds> => {
  const where = `${topic}-${partition}`;
  const start = await offsetOf(client, topic, partition, -2);
  if (start.errorCode !== ErrorCode.NONE) throw new Unreadable(where, start.errorCode);
  let next: number = start.offset;
  let sizeBytes = 0;
  for (;;) {
    const answer = await fetchOnce(client, topic, partition, next);
    if (answer.errorCode !== ErrorCode.NONE) throw new Unreadable(where, answer.errorCode);
    const before = next;
    for (const batch of batchesIn(answer.records ?? new Uint8Array(0))) {
      if (!isCrcValid(batch, crc32c))
        throw new WrongData(
          `${where}: the batch at ${batch.baseOffset} does not match its checksum`,
        );
      if (batch.lastOffset < next && batch.baseOffset < before) continue;
      if (batch.baseOffset < next && next !== before) {
        throw new WrongData(`${where}: a batch at ${batch.baseOffset} where ${next} was to come`);
      }
      visit(batch);
      sizeBytes += batch.sizeBytes;
      next = batch.nextOffset;
    }
    // A compacted end leaves nothing to read below the high watermark.
    if (next >= answer.highWatermark || next === before) {
      return {
        logStartOffset: start.offset,
        highWatermark: answer.highWatermark,
        nextOffset: next,
        sizeBytes,
      };
    }
  }
};
