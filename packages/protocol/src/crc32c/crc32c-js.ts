/**
 * CRC-32C in plain JavaScript: eight bytes a step. The last resort where neither a native module nor WebAssembly is to
 * be had (measured: a fifth of native's speed at 16 KiB, and faster than it below 100 bytes). The tables are 8 KiB, made at the first call: importing costs nothing.
 */
import { slicingTables } from './crc32c.ts';
import type { Crc32c } from './crc32c.ts';

let tables: Int32Array | undefined;

export const crc32cJs: Crc32c = (bytes, seed = 0) => {
  const t = (tables ??= slicingTables(8));
  const end = bytes.length;
  const blocksEnd = end - (end % 8);
  let crc = ~seed;
  let at = 0;
  for (; at < blocksEnd; at += 8) {
    crc =
      t[1792 + ((crc ^ bytes[at]!) & 0xff)]! ^
      t[1536 + (((crc >>> 8) ^ bytes[at + 1]!) & 0xff)]! ^
      t[1280 + (((crc >>> 16) ^ bytes[at + 2]!) & 0xff)]! ^
      t[1024 + ((crc >>> 24) ^ bytes[at + 3]!)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
};
