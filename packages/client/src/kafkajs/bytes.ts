/** Between text and bytes as KafkaJS goes: strings are UTF-8, everything else that is no bytes is made a string first. */
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import type { HeaderInput, RecordHeader } from '@odradek/protocol';
import type { IHeaders } from './types.ts';

export const toBytes = (value: unknown): Uint8Array | null =>
  value === null || value === undefined
    ? null
    : value instanceof Uint8Array
      ? value
      : utf8Encode(typeof value === 'string' ? value : String(value));

export function toHeaderInputs(headers: IHeaders<Uint8Array>): readonly HeaderInput[] {
  const inputs: HeaderInput[] = [];
  for (const key of Object.keys(headers)) {
    const value = headers[key];
    for (const each of Array.isArray(value) ? value : [value])
      inputs.push({ key, value: toBytes(each) });
  }
  return inputs;
}

/** A key that comes more than once has a list. */
export function toHeaders<B extends Uint8Array>(
  headers: readonly RecordHeader[],
  toBuffer: (bytes: Uint8Array) => B,
): IHeaders<B> {
  if (headers.length === 0) return {};
  const found = new Map<string, B | B[] | undefined>();
  for (const { key, value } of headers) {
    // KafkaJS hands a null header out as null, though its types know none.
    const bytes = (value === null ? null : toBuffer(value)) as B;
    const before = found.get(key);
    if (before === undefined) found.set(key, bytes);
    else if (Array.isArray(before)) before.push(bytes);
    else found.set(key, [before, bytes]);
  }
  return Object.fromEntries(found);
}

/** Bytes with the part of Buffer's `toString` that messages are read with, for hosts that have no Buffer. */
export class PortableBuffer extends Uint8Array {
  static view(bytes: Uint8Array): PortableBuffer {
    return new PortableBuffer(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
  }

  override toString(encoding = 'utf8'): string {
    switch (encoding.toLowerCase().replace('-', '')) {
      case 'utf8':
        return utf8Decode(this);
      case 'hex':
        return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('');
      case 'latin1':
      case 'binary':
        return Array.from(this, (byte) => String.fromCharCode(byte)).join('');
      case 'base64':
        return base64(this);
      default:
        throw new RangeError(`${encoding} is not among utf8, hex, latin1, base64`);
    }
  }

  toJSON(): { readonly type: 'Buffer'; readonly data: readonly number[] } {
    return { type: 'Buffer', data: Array.from(this) };
  }
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const word = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += BASE64[word >> 18]! + BASE64[(word >> 12) & 63]!;
    text += left > 1 ? BASE64[(word >> 6) & 63]! : '=';
    text += left > 2 ? BASE64[word & 63]! : '=';
  }
  return text;
}
