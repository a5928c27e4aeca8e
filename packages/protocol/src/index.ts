export * from './api-key.ts';
export * from './apis/index.ts';
export * from './bytes/index.ts';
export * from './crc32c/index.ts';
export * from './error-codes.ts';
export * from './errors.ts';
export * from './frames.ts';
export * from './headers.ts';
export * from './ids.ts';
export * from './records/index.ts';
export * from './request-header.ts';
/** For requests that are not Kafka's. */
export * as fields from './schema/fields.ts';
export {
  type Body,
  decode,
  encode,
  type Input,
  isFlexible,
  type Message,
  message,
  type MessageInfo,
  write,
} from './schema/message.ts';
