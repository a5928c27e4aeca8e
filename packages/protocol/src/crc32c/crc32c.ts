/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, continuing from `seed` (0 to begin); an unsigned 32-bit number. Same shape as the port's. */
export type Crc32c = (bytes: Uint8Array, seed?: number) => number;

/** The Castagnoli polynomial, bits reversed: CRC-32C shifts right. */
export const CASTAGNOLI = 0x82f63b78;

/**
 * `count` tables of 256 entries end to end. Entry [k][b] is the register after byte b and k zero bytes, so that a step
 * over n bytes is n look-ups xored together ("slicing", Kounavis and Berry 2005). Signed: V8 keeps int32 unboxed.
 */
export function slicingTables(count: number): Int32Array {
  const tables = new Int32Array(256 * count);
  for (let byte = 0; byte < 256; byte++) {
    let register = byte;
    for (let bit = 0; bit < 8; bit++)
      register = register & 1 ? (register >>> 1) ^ CASTAGNOLI : register >>> 1;
    tables[byte] = register;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!;
    tables[at] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}
