import { ErrorCode } from '../error-codes.ts';
import { MalformedBatch } from './malformed-batch.ts';

/** Kafka's codec names, in the order of their attribute values 1-4. The port's `CompressionName` is the same type. */
export type CompressionName = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Gives the payload, or throws before it would pass `limitBytes`. The shape of the Compression port's `decompress`. */
export type Decompress = (
  codec: CompressionName,
  bytes: Uint8Array,
  limitBytes: number,
) => Uint8Array;
export type Compress = (codec: CompressionName, bytes: Uint8Array) => Uint8Array;

/** Index is the attribute value; 0 is no compression. */
const CODEC_NAMES: readonly (CompressionName | undefined)[] = [
  undefined,
  'gzip',
  'snappy',
  'lz4',
  'zstd',
];

export function codecName(id: number): CompressionName | undefined {
  if (id >= CODEC_NAMES.length) {
    throw new MalformedBatch(`compression type ${id} is not one of Kafka's (0 to 4)`, {
      errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    });
  }
  return CODEC_NAMES[id];
}

export function codecId(name: CompressionName | undefined): number {
  return CODEC_NAMES.indexOf(name);
}
