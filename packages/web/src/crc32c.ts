/**
 * CRC-32C in WebAssembly where it may run: for brokers and others that check much. (In Chromium 2.4 GB/s against JavaScript's 1.1 at 16 KiB,
 * and no faster below 200 bytes.)
 */
import type { Crc32c } from '@odradek/ports';
import { crc32cJs, createWasmCrc32c } from '@odradek/protocol';

/** Made ready at the first call. A page whose Content-Security-Policy keeps WebAssembly out counts in JavaScript. */
export function createBrowserCrc32c(): Crc32c {
  let crc32c: Crc32c = (bytes, seed) => {
    try {
      crc32c = createWasmCrc32c(WebAssembly);
    } catch {
      crc32c = crc32cJs;
    }
    return crc32c(bytes, seed);
  };
  return (bytes, seed) => crc32c(bytes, seed);
}
