/** A record's bytes as `hexdump -C` shows them, under a line that says where it stands. */
import type { ReadRecord } from '@odradek/client';
import { utf8Encode } from '@odradek/protocol';
import { isoTime } from './percent-format.ts';

const WIDTH = 16;

export function hexDump(
  topic: string,
  { partition, offset, timestampMs, key, value, headers }: ReadRecord,
): Uint8Array {
  const parts = [
    `${topic}-${partition}@${offset} ${isoTime(timestampMs)}\n`,
    ...headers.map((header) => section(`header ${JSON.stringify(header.key)}`, header.value)),
    section('key', key),
    section('value', value),
  ];
  return utf8Encode(`${parts.join('')}\n`);
}

function section(name: string, bytes: Uint8Array | null): string {
  if (bytes === null) return ` ${name} null\n`;
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += WIDTH) {
    const row = [...bytes.subarray(at, at + WIDTH)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const shown = row.map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    );
    rows.push(
      `  ${at.toString(16).padStart(8, '0')}  ${hex.padEnd(WIDTH * 3 - 1)}  |${shown.join('')}|\n`,
    );
  }
  return ` ${name} (${bytes.length} bytes)\n${rows.join('')}`;
}
