/**
 * Record batches as a broken or hostile producer makes them: damaged behind a checksum that is right, so that it is the parser
 * behind the checksum that has to see it; records that lie about themselves inside a sound compression; and payloads that are
 * small on the wire only.
 */
import type { Compression, CompressionName, Crc32c } from '@odradek/ports';
import { BATCH_HEADER_BYTES, BatchView, buildBatch } from '@odradek/protocol';
import { damaged, type Chance } from '@odradek/protocol/testing';

export const CODECS: readonly (CompressionName | undefined)[] = [
  undefined,
  'gzip',
  'snappy',
  'lz4',
  'zstd',
];

export interface BatchTools {
  readonly crc32c: Crc32c;
  readonly compression: Compression;
}

const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LENGTH_AT = 8;
const LENGTH_OVERHEAD_BYTES = 12;

export const validBatch = (chance: Chance, { crc32c, compression }: BatchTools): Uint8Array => {
  const codec = chance.pick(CODECS);
  const isIdempotent = chance.oneIn(3);
  return buildBatch({
    records: Array.from({ length: 1 + chance.below(6) }, (_, n) => ({
      timestampMs: 1_700_000_000_000 + n,
      key: chance.oneIn(3) ? null : bytesOf(chance.below(8), chance),
      value: chance.oneIn(8) ? null : bytesOf(chance.below(60), chance),
      headers: Array.from({ length: chance.oneIn(4) ? 2 : 0 }, () => ({
        key: 'h',
        value: bytesOf(3, chance),
      })),
    })),
    isTransactional: chance.oneIn(20),
    isControl: chance.oneIn(40),
    ...(isIdempotent
      ? { producerId: chance.below(4), producerEpoch: 0, baseSequence: chance.below(6) }
      : {}),
    ...(codec === undefined
      ? {}
      : { compress: { codec, compress: (name, bytes) => compression.compress(name, bytes) } }),
    crc32c,
  });
};

/** One batch with something wrong that its checksum does not tell. */
export const damagedBatch = (chance: Chance, tools: BatchTools): Uint8Array => {
  const batch = validBatch(chance, tools);
  switch (chance.below(4)) {
    case 0: {
      // The header's fields, and the payload as it is on the wire.
      const tail = damaged(batch.subarray(ATTRIBUTES_AT), chance);
      return sealed(batch, tail, tools.crc32c, chance);
    }
    case 1:
    case 2: {
      // The records, in a payload that unpacks.
      const view = new BatchView(batch);
      const { compression: codec } = view;
      const payload = batch.subarray(BATCH_HEADER_BYTES);
      const records =
        codec === undefined ? payload : tools.compression.decompress(codec, payload, 1_000_000);
      const wrong = damaged(records, chance);
      const packed = codec === undefined ? wrong : tools.compression.compress(codec, wrong);
      return sealed(
        batch,
        concat(batch.subarray(ATTRIBUTES_AT, BATCH_HEADER_BYTES), packed),
        tools.crc32c,
        chance,
      );
    }
    default: {
      // Another codec than it says, or several batches, or half a one behind.
      const twice = concat(batch, validBatch(chance, tools));
      if (chance.oneIn(2)) return twice.subarray(0, twice.length - chance.below(batch.length));
      const tail = batch.slice(ATTRIBUTES_AT);
      tail[1] = (tail[1]! & ~7) | chance.below(8);
      return sealed(batch, tail, tools.crc32c, chance);
    }
  }
};

/** Puts a tail behind the head of a batch, with its length and its checksum; now and then not quite. */
const sealed = (
  batch: Uint8Array,
  tail: Uint8Array,
  crc32c: Crc32c,
  chance: Chance,
): Uint8Array => {
  const whole = concat(batch.subarray(0, ATTRIBUTES_AT), tail);
  const view = new DataView(whole.buffer);
  view.setInt32(
    LENGTH_AT,
    whole.length - LENGTH_OVERHEAD_BYTES + (chance.oneIn(20) ? chance.below(9) - 4 : 0),
  );
  view.setUint32(CRC_AT, crc32c(whole.subarray(ATTRIBUTES_AT)));
  return whole;
};

/** A batch whose payload is `unpackedBytes` of zeros, packed; its records cannot be read. */
export const bomb = (
  codec: CompressionName,
  unpackedBytes: number,
  { crc32c, compression }: BatchTools,
): Uint8Array =>
  buildBatch({
    records: [{ timestampMs: 0, value: new Uint8Array(1) }],
    compress: { codec, compress: () => compression.compress(codec, new Uint8Array(unpackedBytes)) },
    crc32c,
  });

const bytesOf = (length: number, chance: Chance): Uint8Array =>
  Uint8Array.from({ length }, () => chance.below(256));

const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};
