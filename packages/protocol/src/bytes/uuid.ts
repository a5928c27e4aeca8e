/**
 * A uuid's four forms: the string of 32 hex digits that the code holds, 16 bytes on the wire, 22
 * characters of URL-safe base64 in Kafka's files and tools.
 */
import type { Uuid } from '../ids.ts';

const HEX_DIGITS = '0123456789abcdef';
const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const UUID_BYTES = 16;

/** The 16 bytes from `start` on. */
export function uuidFromBytes(bytes: Uint8Array, start = 0): Uuid {
  // One call makes one flat string; piecing it together would leave a tree of strings behind each
  // id.
  const units: number[] = [];
  for (let i = start; i < start + UUID_BYTES; i++) {
    const byte = bytes[i]!;
    units.push(hexUnit(byte >> 4), hexUnit(byte & 15));
  }
  return String.fromCharCode.apply(null, units) as Uuid;
}

export function uuidToBytes(uuid: Uuid): Uint8Array {
  const bytes = new Uint8Array(UUID_BYTES);
  uuidWrite(uuid, bytes, 0);
  return bytes;
}

/** Writes the 16 bytes into `target` at `position`. */
export function uuidWrite(uuid: Uuid, target: Uint8Array, position: number): void {
  if (uuid.length !== 2 * UUID_BYTES) throw new RangeError(`not a uuid: ${uuid}`);
  for (let i = 0; i < UUID_BYTES; i++) {
    const high = hexValue(uuid.charCodeAt(2 * i));
    const low = hexValue(uuid.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) throw new RangeError(`not a uuid: ${uuid}`);
    target[position + i] = (high << 4) | low;
  }
}

/** Kafka's printed form: 22 characters, no padding. */
export function uuidToBase64(uuid: Uuid): string {
  const bytes = uuidToBytes(uuid);
  let text = '';
  for (let i = 0; i < UUID_BYTES; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let shift = 18; shift >= 0 && text.length < 22; shift -= 6)
      text += BASE64_DIGITS[(group >> shift) & 63];
  }
  return text;
}

/**
 * Undefined when `text` is not 16 bytes in URL-safe base64 (padding is allowed, other left-over
 * bits are not).
 */
export function uuidFromBase64(text: string): Uuid | undefined {
  const digits = text.endsWith('==') ? text.slice(0, -2) : text;
  if (digits.length !== 22) return undefined;
  const bytes = new Uint8Array(UUID_BYTES);
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  for (const digit of digits) {
    const value = BASE64_DIGITS.indexOf(digit);
    if (value < 0) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      bytes[at++] = bits >> bitCount;
    }
  }
  return (bits & 15) === 0 ? uuidFromBytes(bytes) : undefined;
}

const hexUnit = (nibble: number): number => HEX_DIGITS.charCodeAt(nibble);

function hexValue(unit: number): number {
  if (unit >= 48 && unit <= 57) return unit - 48;
  if (unit >= 97 && unit <= 102) return unit - 87;
  return unit >= 65 && unit <= 70 ? unit - 55 : -1;
}
