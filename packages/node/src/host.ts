/** What Node provides for the ports that need no configuration: time, chance, checksums. */
import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { longTimers, pooledNumbers } from '@odradek/ports';
import type { Clock, Crc32c, Random } from '@odradek/ports';
import { crc32cJs, createWasmCrc32c, type WebAssemblyLike } from '@odradek/protocol';

export function createNodeClock(): Clock {
  return {
    wallTimeMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    ...longTimers(
      (callback, delayMs) => setTimeout(callback, delayMs),
      (handle) => clearTimeout(handle),
    ),
  };
}

/** From the operating system. */
export function createNodeRandom(): Random {
  return {
    uint32: pooledNumbers((pool) => void randomFillSync(pool)),
    bytes: (length) => randomFillSync(new Uint8Array(length)),
  };
}

/** Another one after each start of the machine; undefined where the system does not tell (it does on Linux). */
export function readBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}

export interface Crc32cOptions {
  /** For the log: the native module did not load and a slower one stands in. */
  readonly onFallback?: (to: 'wasm' | 'js', cause: unknown) => void;
  /** How the native module is had; a parameter for tests. */
  readonly loadNative?: () => Crc32c;
}

/**
 * The fastest there is on this machine, looked for when there is something for it to do: loading it takes 10 ms, in which
 * JavaScript checks ten megabytes. So a start and its first records do not wait for it.
 */
export function createNodeCrc32c(options: Crc32cOptions = {}): Crc32c {
  let bytesUntilChoice = CHOICE_AFTER_BYTES;
  let crc32c: Crc32c = (bytes, seed) => {
    bytesUntilChoice -= bytes.length;
    if (bytesUntilChoice >= 0) return crc32cJs(bytes, seed);
    crc32c = chooseCrc32c(options);
    return crc32c(bytes, seed);
  };
  return (bytes, seed) => crc32c(bytes, seed);
}

const CHOICE_AFTER_BYTES = 64 * 1024;

function chooseCrc32c({ loadNative = loadNativeCrc32c, onFallback }: Crc32cOptions): Crc32c {
  try {
    const native = loadNative();
    requireCheckValue(native);
    return native;
  } catch (cause) {
    // Absent where Node runs without a compiler (--jitless).
    const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyLike<object> };
    const standIn = WebAssembly === undefined ? crc32cJs : createWasmCrc32c(WebAssembly);
    onFallback?.(standIn === crc32cJs ? 'js' : 'wasm', cause);
    return standIn;
  }
}

function loadNativeCrc32c(): Crc32c {
  return (createRequire(import.meta.url)('@node-rs/crc32') as { crc32c: Crc32c }).crc32c;
}

/** The check value that RFC 3720 implies for "123456789". A wrong checksum would write what nobody can read. */
function requireCheckValue(crc32c: Crc32c): void {
  const digits = Uint8Array.from('123456789', (digit) => digit.charCodeAt(0));
  if (crc32c(digits.subarray(4), crc32c(digits.subarray(0, 4))) !== 0xe3069283)
    throw new Error('@node-rs/crc32 does not give the CRC-32C check value.');
}
