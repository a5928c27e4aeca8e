export * from './malformed-frame.ts';
export { Reader } from './reader.ts';
export { utf8Decode, utf8Encode, utf8Length, utf8Write } from './utf8.ts';
export { uuidFromBase64, uuidFromBytes, uuidToBase64, uuidToBytes } from './uuid.ts';
export { UnencodableValue, Writer } from './writer.ts';
