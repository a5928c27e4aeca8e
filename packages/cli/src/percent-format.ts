/**
 * `--format` with percent signs, as kcat and rpk have it; nothing is added, not even a new line:
 *   %t topic  %p partition  %o offset  %k key  %v or %s value  %h headers (name=value,...)
 *   %T time in milliseconds  %D time in ISO 8601  %K length of the key  %S length of the value (-1 for null)  %% a percent sign
 * and \n \t \r \0 \\ \xHH.
 */
import type { ReadRecord } from '@odradek/client';
import { utf8Encode } from '@odradek/protocol';
import { UsageError } from './world.ts';

type Piece = (topic: string, record: ReadRecord) => Uint8Array;

const NOTHING = new Uint8Array(0);
const COMMA = utf8Encode(',');
const EQUALS = utf8Encode('=');
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '\\': '\\',
};

const text =
  (of: (topic: string, record: ReadRecord) => string | number): Piece =>
  (topic, record) =>
    utf8Encode(String(of(topic, record)));

const PIECES: Readonly<Record<string, Piece>> = {
  t: text((topic) => topic),
  p: text((_, { partition }) => partition),
  o: text((_, { offset }) => offset),
  k: (_, { key }) => key ?? NOTHING,
  v: (_, { value }) => value ?? NOTHING,
  s: (_, { value }) => value ?? NOTHING,
  h: (_, { headers }) =>
    Buffer.concat(
      headers.flatMap(({ key, value }, index) => [
        ...(index === 0 ? [] : [COMMA]),
        utf8Encode(key),
        EQUALS,
        value ?? NOTHING,
      ]),
    ),
  T: text((_, { timestampMs }) => timestampMs),
  D: text((_, { timestampMs }) => isoTime(timestampMs)),
  K: text((_, { key }) => key?.length ?? -1),
  S: text((_, { value }) => value?.length ?? -1),
};

export function percentFormat(
  format: string,
): (topic: string, record: ReadRecord) => readonly Uint8Array[] {
  const pieces = [...format.matchAll(/%(.)|%$|\\x([0-9A-Fa-f]{2})|\\(.)|[^%\\]+|\\$/gs)].map(
    ([whole, percent, hex, escape]): Piece => {
      if (hex !== undefined) return constant(Uint8Array.of(Number.parseInt(hex, 16)));
      if (escape !== undefined) return constant(utf8Encode(ESCAPES[escape] ?? whole));
      if (!whole.startsWith('%') || percent === '%') return constant(utf8Encode(percent ?? whole));
      const piece = percent === undefined ? undefined : PIECES[percent];
      if (piece === undefined)
        throw new UsageError(
          `--format: ${whole} is none of ${Object.keys(PIECES)
            .map((letter) => `%${letter}`)
            .join(' ')} %%`,
        );
      return piece;
    },
  );
  return (topic, record) => pieces.map((piece) => piece(topic, record));
}

/** A time may be none, or beyond what a Date can say. */
export const isoTime = (timestampMs: number): string =>
  timestampMs < 0 || timestampMs > 8.64e15 ? '-' : new Date(timestampMs).toISOString();

const constant =
  (bytes: Uint8Array): Piece =>
  () =>
    bytes;
