/** zstd by the host's zlib where that has it (Node 22.15 and later), else in WebAssembly. */
import { CompressionError } from '@odradek/ports';
import { corrupt, tooLarge } from './errors.ts';
import { plain } from './gzip.ts';
import { ZstdWasm, compileZstdSync } from './zstd-wasm.ts';
import { zstdFrames } from './zstd-frame.ts';

export interface Zstd {
  compress(bytes: Uint8Array): Uint8Array;
  decompress(bytes: Uint8Array, limitBytes: number): Uint8Array;
}

/** What newer Nodes have; the types are of the oldest that we run on. */
export interface ZlibWithZstd {
  gzipSync: unknown;
  zstdCompressSync?: (bytes: Uint8Array) => Buffer;
  zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer;
}

export function nativeZstd({
  zstdCompressSync,
  zstdDecompressSync,
}: ZlibWithZstd): Zstd | undefined {
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined;
  return {
    compress: (bytes) => plain(zstdCompressSync(bytes)),
    decompress(bytes, limitBytes) {
      // Node's reads one frame, and takes a frame that is cut short for a whole one. That all of it is there is known by the walk.
      const outputs: Buffer[] = [];
      let leftBytes = limitBytes;
      for (const frame of zstdFrames(bytes)) {
        if (frame.isExact && frame.bytesMax > leftBytes) throw tooLarge(limitBytes);
        const output = oneFrame(bytes.subarray(frame.start, frame.end), leftBytes, limitBytes);
        if (frame.isExact && output.length !== frame.bytesMax)
          throw corrupt('a zstd frame is not as long as it says');
        outputs.push(output);
        leftBytes -= output.length;
      }
      return plain(outputs.length === 1 ? outputs[0]! : Buffer.concat(outputs));
    },
  };

  function oneFrame(bytes: Uint8Array, leftBytes: number, limitBytes: number): Buffer {
    let output: Buffer;
    try {
      output = zstdDecompressSync!(bytes, { maxOutputLength: Math.max(1, leftBytes) });
    } catch (error) {
      throw (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
        ? tooLarge(limitBytes)
        : corrupt('not valid zstd', error);
    }
    if (output.length > leftBytes) throw tooLarge(limitBytes);
    return output;
  }
}

/**
 * The file is looked for beside this module first, where a bundler must put it, then in the package that it comes with (from
 * `dist/common/zstd.wasm`).
 */
export function wasmZstd(): Zstd {
  const { existsSync, readFileSync } = process.getBuiltinModule('node:fs');
  const { createRequire } = process.getBuiltinModule('node:module');
  const beside = new URL('./zstd.wasm', import.meta.url);
  try {
    const place = existsSync(beside)
      ? beside
      : new URL(
          './zstd.wasm',
          pathToFileURL(createRequire(import.meta.url).resolve('@bokuweb/zstd-wasm')),
        );
    return new ZstdWasm(compileZstdSync(readFileSync(place)));
  } catch (cause) {
    throw new CompressionError(
      'unsupported',
      `zstd needs Node 22.15, or zstd.wasm of @bokuweb/zstd-wasm beside ${import.meta.url}`,
      { cause },
    );
  }
}

function pathToFileURL(path: string): URL {
  return process.getBuiltinModule('node:url').pathToFileURL(path);
}
