export * from './malformed-frame.ts';
export * from './reader.ts';
export * from './utf8.ts';
export * from './uuid.ts';
export * from './writer.ts';
