/** gzip by the host's zlib, which reads several members end to end and stops where the limit is passed. */
import type * as zlibModule from 'node:zlib';
import { corrupt, tooLarge } from './errors.ts';

export type Zlib = typeof zlibModule;

export function gzipCompress(zlib: Zlib, bytes: Uint8Array): Uint8Array {
  return plain(zlib.gzipSync(bytes));
}

export function gzipDecompress(zlib: Zlib, bytes: Uint8Array, limitBytes: number): Uint8Array {
  let output: Buffer;
  try {
    output = zlib.gunzipSync(bytes, { maxOutputLength: Math.max(1, limitBytes) });
  } catch (error) {
    throw (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
      ? tooLarge(limitBytes)
      : corrupt('not valid gzip', error);
  }
  if (output.length > limitBytes) throw tooLarge(limitBytes);
  return plain(output);
}

/** Views of a Buffer are Buffers, which are slower to cut. */
export function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
