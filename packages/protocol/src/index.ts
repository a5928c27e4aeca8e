export * from './ids.ts';
export * from './crc32c/index.ts';
export * from './records/index.ts';
