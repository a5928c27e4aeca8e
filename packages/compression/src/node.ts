/**
 * Kafka's four codecs in Node. Importing this loads nothing: each codec is made ready at its first use, synchronously.
 *
 * gzip is the host's. snappy and LZ4 are our own: the formats are small, and a broker needs what libraries for them do not
 * give, a limit that holds against hostile bytes before memory is taken. zstd is the host's or WebAssembly.
 */
import type { Compression } from '@odradek/ports';
import { gzipCompress, gzipDecompress } from './gzip.ts';
import type { Zlib } from './gzip.ts';
import { lz4FrameCompress, lz4FrameDecompress } from './lz4-frame.ts';
import { MatchTable } from './matches.ts';
import { snappyAnyDecompress, snappyBareCompress } from './snappy.ts';
import { nativeZstd, wasmZstd } from './zstd.ts';
import type { Zstd, ZlibWithZstd } from './zstd.ts';

export function createNodeCompression(): Compression {
  let zlibModule: Zlib | undefined;
  let table: MatchTable | undefined;
  let zstdCodec: Zstd | undefined;
  const zlib = () => (zlibModule ??= process.getBuiltinModule('node:zlib'));
  const matches = () => (table ??= new MatchTable());
  const zstd = () => (zstdCodec ??= nativeZstd(zlib() as ZlibWithZstd) ?? wasmZstd());

  return {
    compress(codec, bytes) {
      switch (codec) {
        case 'gzip':
          return gzipCompress(zlib(), bytes);
        case 'snappy':
          return snappyBareCompress(bytes, matches());
        case 'lz4':
          return lz4FrameCompress(bytes, matches());
        case 'zstd':
          return zstd().compress(bytes);
      }
    },
    decompress(codec, bytes, limitBytes) {
      switch (codec) {
        case 'gzip':
          return gzipDecompress(zlib(), bytes, limitBytes);
        case 'snappy':
          return snappyAnyDecompress(bytes, limitBytes);
        case 'lz4':
          return lz4FrameDecompress(bytes, limitBytes);
        case 'zstd':
          return zstd().decompress(bytes, limitBytes);
      }
    },
  };
}
