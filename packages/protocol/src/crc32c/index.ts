export type { Crc32c } from './crc32c.ts';
export { crc32cJs } from './crc32c-js.ts';
