/** A new member's id: who it is for people, and a random UUID (RFC 9562, version 4) that makes it its own. */
import type { Random } from '@odradek/ports';

/** Client and instance ids may be long, member ids are in every request. */
const PREFIX_CHARS_MAX = 255;

export function newMemberId(prefix: string, random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return `${prefix.slice(0, PREFIX_CHARS_MAX)}-${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
