/** CRC-32C (Castagnoli) of `bytes`, continuing from `seed` (0 to begin); an unsigned 32-bit number. Native, WASM and JS give the same. */
export type Crc32c = (bytes: Uint8Array, seed?: number) => number;
