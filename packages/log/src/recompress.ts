/** compression.type other than 'producer': the payload as one piece is decompressed and compressed again; no record is touched. */
import { BATCH_HEADER_BYTES, BatchView, LENGTH_OVERHEAD_BYTES } from '@odradek/protocol';
import type { Compression, CompressionName, Crc32c } from '@odradek/ports';
import { DECOMPRESSED_BYTES_MAX } from './limits.ts';

const LENGTH_AT = 8;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const CODEC_MASK = 0x07;
const CODECS: readonly (CompressionName | undefined)[] = [
  undefined,
  'gzip',
  'snappy',
  'lz4',
  'zstd',
];

export function recompressed(
  batch: BatchView,
  codec: CompressionName | undefined,
  { compression, crc32c }: { compression: Compression; crc32c: Crc32c },
): BatchView {
  const from = batch.compression;
  const plain =
    from === undefined
      ? batch.payload()
      : compression.decompress(from, batch.payload(), DECOMPRESSED_BYTES_MAX);
  const payload = codec === undefined ? plain : compression.compress(codec, plain);
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + payload.length);
  bytes.set(batch.bytes.subarray(batch.start, batch.start + BATCH_HEADER_BYTES));
  bytes.set(payload, BATCH_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(LENGTH_AT, bytes.length - LENGTH_OVERHEAD_BYTES);
  view.setInt16(ATTRIBUTES_AT, (batch.attributes & ~CODEC_MASK) | CODECS.indexOf(codec));
  view.setUint32(CRC_AT, crc32c(bytes.subarray(ATTRIBUTES_AT)));
  return new BatchView(bytes);
}
