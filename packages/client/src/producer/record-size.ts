/** What a record takes in memory and on the wire, before compression: a little more than it will be. */
import type { ProducerRecord } from './producer-options.ts';

/** Lengths, offsets and times, at most. */
const RECORD_OVERHEAD_BYTES = 24;
const HEADER_OVERHEAD_BYTES = 6;
/** In UTF-8, for one unit of UTF-16. */
const CHARACTER_BYTES_MAX = 3;

export const BATCH_OVERHEAD_BYTES = 61;

export function sizeOf({ key, value, headers }: ProducerRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  if (headers !== undefined)
    for (const header of headers)
      bytes +=
        HEADER_OVERHEAD_BYTES +
        CHARACTER_BYTES_MAX * header.key.length +
        (header.value?.length ?? 0);
  return bytes;
}
