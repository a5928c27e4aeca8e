/**
 * All that a declaration of messages needs; `@odradek/protocol/schema` for packages that keep
 * records of their own.
 */
export * from './fields.ts';
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
} from './message.ts';
