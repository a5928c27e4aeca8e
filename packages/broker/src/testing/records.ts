/** Batches of text records, to and from. */
import {
  batchesIn,
  buildBatch,
  crc32cJs,
  recordsIn,
  utf8Decode,
  utf8Encode,
} from '@odradek/protocol';

export interface BatchOptions {
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly timestampMs?: number;
  readonly isKeyless?: boolean;
}

export const batchOf = (values: readonly string[], options: BatchOptions = {}): Uint8Array =>
  buildBatch({
    records: values.map((value) => ({
      timestampMs: options.timestampMs ?? 1_700_000_000_000,
      key: options.isKeyless === true ? null : utf8Encode(`k-${value}`),
      value: utf8Encode(value),
      headers: [],
    })),
    ...options,
    crc32c: crc32cJs,
  });

export const valuesIn = (bytes: Uint8Array | null): string[] => {
  if (bytes === null) return [];
  const values: string[] = [];
  for (const batch of batchesIn(bytes)) {
    for (const record of recordsIn(batch)) values.push(utf8Decode(record.value!));
  }
  return values;
};
