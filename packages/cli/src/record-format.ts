/** How `tail` prints a record: --format's words, or a text with percent signs. */
import type { ReadRecord } from '@odradek/client';
import { utf8Encode } from '@odradek/protocol';
import { envelopeOf } from './envelope.ts';
import { hexDump } from './hex-dump.ts';
import { percentFormat } from './percent-format.ts';
import { UsageError } from './world.ts';

export interface FormatOptions {
  readonly format?: string;
  readonly json?: boolean;
  readonly keySeparator?: string;
}

export interface RecordFormat {
  readonly begin: string;
  /** The bytes of one record; `isFirst` is for what stands between records. */
  readonly record: (record: ReadRecord, isFirst: boolean) => readonly Uint8Array[];
  readonly end: string;
}

export const FORMATS = ['text', 'json', 'ndjson', 'hex'] as const;
const NEW_LINE = utf8Encode('\n');

export function recordFormat(
  topic: string,
  { format, json, keySeparator }: FormatOptions,
  isTerminal: boolean,
): RecordFormat {
  const name = format ?? (json ? 'ndjson' : 'text');
  if (json && name !== 'ndjson' && name !== 'json')
    throw new UsageError(`--json is --format ndjson: leave one of the two away`);
  if (keySeparator !== undefined && name !== 'text')
    throw new UsageError('--key-separator is for --format text');
  if (name === 'text') return plain(keySeparator, isTerminal);
  if (name === 'hex') return { begin: '', record: (record) => [hexDump(topic, record)], end: '' };
  if (name === 'json' || name === 'ndjson') return jsonFormat(topic, name === 'json');
  if (!name.includes('%'))
    throw new UsageError(`--format ${name} is none of ${FORMATS.join(', ')}, and has no %`);
  const write = percentFormat(name);
  return { begin: '', record: (record) => write(topic, record), end: '' };
}

/** Values as they are, a line each: what `odradek produce` was given comes out again. A terminal is spared what would steer it. */
function plain(keySeparator: string | undefined, isTerminal: boolean): RecordFormat {
  const shown = isTerminal ? harmless : (bytes: Uint8Array): Uint8Array => bytes;
  const separator = keySeparator === undefined ? undefined : utf8Encode(keySeparator);
  return {
    begin: '',
    record: ({ key, value }) => [
      ...(separator === undefined || key === null ? [] : [shown(key)]),
      ...(separator === undefined ? [] : [separator]),
      ...(value === null ? [] : [shown(value)]),
      NEW_LINE,
    ],
    end: '',
  };
}

/** One envelope a line; as one JSON document when `isList`. */
const jsonFormat = (topic: string, isList: boolean): RecordFormat => ({
  begin: isList ? '[\n' : '',
  record: (record, isFirst) => {
    const text = JSON.stringify(envelopeOf(topic, record));
    return [utf8Encode(isList ? `${isFirst ? '' : ',\n'}${text}` : `${text}\n`)];
  },
  end: isList ? '\n]\n' : '',
});

const SPACE = 0x20;
const DELETE = 0x7f;
const isSteering = (byte: number): boolean =>
  (byte < SPACE && byte !== 0x09 && byte !== 0x0a) || byte === DELETE;

/** Control characters as ^X; tabs and line feeds stay. */
function harmless(bytes: Uint8Array): Uint8Array {
  if (!bytes.some(isSteering)) return bytes;
  const shown: number[] = [];
  for (const byte of bytes)
    if (isSteering(byte)) shown.push(0x5e, byte ^ 0x40);
    else shown.push(byte);
  return Uint8Array.from(shown);
}
