/** Batches of text records, to and from, with checksums checked. */
import type { Crc32c } from '@odradek/ports';
import { createNodeCrc32c } from '@odradek/node';
import { batchesIn, buildBatch, isCrcValid, recordsIn } from '@odradek/protocol';
import { WrongData } from './partition-reader.ts';

const crc32c: Crc32c = createNodeCrc32c();

export const batchOf = (...values: readonly string[]): Uint8Array =>
  buildBatch({
    records: values.map((value) => ({
      timestampMs: Date.now(),
      value: new TextEncoder().encode(value),
    })),
    crc32c,
  });

/** A batch of one record so large, of bytes that differ. */
export const batchOfBytes = (sizeBytes: number, seed = 0): Uint8Array => {
  const value = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) value[at] = at * 31 + seed;
  return buildBatch({ records: [{ timestampMs: Date.now(), value }], crc32c });
};

export const valuesIn = (records: Uint8Array | null): readonly string[] => {
  const values: string[] = [];
  for (const batch of batchesIn(records ?? new Uint8Array(0))) {
    if (!isCrcValid(batch, crc32c))
      throw new WrongData(`the batch at ${batch.baseOffset} does not match its checksum`);
    for (const record of recordsIn(batch))
      values.push(new TextDecoder().decode(record.value ?? undefined));
  }
  return values;
};
