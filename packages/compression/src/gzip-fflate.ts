/**
 * gzip by fflate. It checks neither the sums nor the lengths that stand behind each member (RFC 1952, section 2.3.1), nor any limit: that is done here. Input
 * goes in by pieces when all of it could unpack to more than the limit, so that a bomb is noticed before it has grown.
 */
import { CompressionError } from '@odradek/ports';
import { Gunzip, gzipSync } from 'fflate';
import { corrupt, tooLarge } from './errors.ts';

/** What deflate can make of a byte, at most. */
const EXPANSION_MAX = 1032;
const PIECE_BYTES = 4096;
const TRAILER_BYTES = 8;
const MEMBER_BYTES_MIN = 18;
const POLYNOMIAL = 0xedb88320;

export function fflateGzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { mtime: 0 });
}

export function fflateGunzip(bytes: Uint8Array, limitBytes: number): Uint8Array {
  if (bytes.length < MEMBER_BYTES_MIN) throw corrupt('not valid gzip: it ends early');
  const chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  let memberBytes = 0;
  let crc = 0;
  const gunzip = new Gunzip((chunk) => {
    if (chunk.length === 0) return;
    chunks.push(chunk);
    lengthBytes += chunk.length;
    memberBytes += chunk.length;
    if (lengthBytes > limitBytes) throw tooLarge(limitBytes);
    crc = crc32(chunk, crc);
  });
  const memberEnded = (end: number): void => {
    const trailer = new DataView(bytes.buffer, bytes.byteOffset + end - TRAILER_BYTES);
    if (trailer.getUint32(0, true) !== crc) throw corrupt('not valid gzip: the sum is another');
    if (trailer.getUint32(4, true) !== memberBytes % 2 ** 32)
      throw corrupt('not valid gzip: the length is another');
    memberBytes = 0;
    crc = 0;
  };
  gunzip.onmember = memberEnded;
  const pieceBytes = bytes.length * EXPANSION_MAX <= limitBytes ? bytes.length : PIECE_BYTES;
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes)
      gunzip.push(bytes.subarray(at, at + pieceBytes), at + pieceBytes >= bytes.length);
  } catch (error) {
    throw error instanceof CompressionError ? error : corrupt('not valid gzip', error);
  }
  memberEnded(bytes.length);
  if (chunks.length === 1) return chunks[0]!;
  const output = new Uint8Array(lengthBytes);
  let at = 0;
  for (const chunk of chunks) {
    output.set(chunk, at);
    at += chunk.length;
  }
  return output;
}

let table: Int32Array | undefined;

/** The CRC-32 of gzip, not the batches'. */
function crc32(bytes: Uint8Array, seed: number): number {
  table ??= Int32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1)
      value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    return value;
  });
  let crc = ~seed;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}
