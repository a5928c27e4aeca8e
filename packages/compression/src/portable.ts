/**
 * Kafka's four codecs without a host: for browsers, where compressing is asked for synchronously and the browser's own streams are not.
 * gzip is fflate's, snappy and LZ4 are our own, zstd is WebAssembly that has to be fetched: `prepare('zstd')` before it is used.
 */
import { CompressionError } from '@odradek/ports';
import type { Compression, CompressionName } from '@odradek/ports';
import { fflateGzip, fflateGunzip } from './gzip-fflate.ts';
import { lz4FrameCompress, lz4FrameDecompress } from './lz4-frame.ts';
import { MatchTable } from './matches.ts';
import { snappyAnyDecompress, snappyBareCompress } from './snappy.ts';
import { ZstdWasm, compileZstd } from './zstd-wasm.ts';

export interface PortableCompressionOptions {
  /** Where zstd.wasm of @bokuweb/zstd-wasm is served, or its bytes. By default it is looked for beside this module, where a bundler must put it. */
  readonly zstdWasm?: string | URL | Uint8Array;
}

export interface PortableCompression extends Compression {
  prepare(codec: CompressionName): Promise<void>;
}

export function createPortableCompression(
  options: PortableCompressionOptions = {},
): PortableCompression {
  let table: MatchTable | undefined;
  let zstd: ZstdWasm | undefined;
  let loading: Promise<void> | undefined;
  const matches = () => (table ??= new MatchTable());
  const readyZstd = (): ZstdWasm => {
    if (zstd !== undefined) return zstd;
    throw new CompressionError('unsupported', "zstd is not loaded: await prepare('zstd')");
  };
  const loadZstd = async (): Promise<void> => {
    const place = options.zstdWasm ?? new URL('./zstd.wasm', import.meta.url);
    try {
      zstd = new ZstdWasm(await compileZstd(await bytesAt(place)));
    } catch (cause) {
      // Asked again, it is tried again: a page may have been offline.
      loading = undefined;
      throw new CompressionError(
        'unsupported',
        `zstd needs zstd.wasm of @bokuweb/zstd-wasm, and it cannot be had from ${place instanceof Uint8Array ? 'the bytes given' : String(place)}`,
        { cause },
      );
    }
  };

  return {
    prepare: (codec) => (codec === 'zstd' ? (loading ??= loadZstd()) : Promise.resolve()),
    compress(codec, bytes) {
      switch (codec) {
        case 'gzip':
          return fflateGzip(bytes);
        case 'snappy':
          return snappyBareCompress(bytes, matches());
        case 'lz4':
          return lz4FrameCompress(bytes, matches());
        case 'zstd':
          return readyZstd().compress(bytes);
      }
    },
    decompress(codec, bytes, limitBytes) {
      switch (codec) {
        case 'gzip':
          return fflateGunzip(bytes, limitBytes);
        case 'snappy':
          return snappyAnyDecompress(bytes, limitBytes);
        case 'lz4':
          return lz4FrameDecompress(bytes, limitBytes);
        case 'zstd':
          return readyZstd().decompress(bytes, limitBytes);
      }
    },
  };
}

async function bytesAt(place: string | URL | Uint8Array): Promise<Uint8Array> {
  if (place instanceof Uint8Array) return place;
  const response = await fetch(place);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
