export type { Crc32c } from './crc32c.ts';
export { crc32cJs } from './crc32c-js.ts';
export { createWasmCrc32c } from './crc32c-wasm.ts';
export type { WebAssemblyLike } from './crc32c-wasm.ts';
