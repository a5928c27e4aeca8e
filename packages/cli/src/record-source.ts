/** Records from what `produce` reads: lines of text, lines of JSON, or the one tombstone that was asked for. */
import type { ProducerRecord } from '@odradek/client';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import type { HeaderInput } from '@odradek/protocol';
import type { ProduceOptions } from './commands/produce.ts';
import { recordOf } from './envelope.ts';
import { indexOfBytes, linesOf } from './lines.ts';
import { UsageError } from './world.ts';
import type { World } from './world.ts';

export function recordsFrom(
  world: World,
  options: ProduceOptions,
): AsyncIterable<readonly ProducerRecord[]> | Iterable<readonly ProducerRecord[]> {
  const isJson = options.format === 'json' || options.format === 'ndjson';
  const forAll = sharedFields(options);
  if (options.tombstone) return [[tombstone(options, forAll)]];
  if (isJson && (options.keySeparator !== undefined || options.nullValues))
    throw new UsageError('--key-separator and --null-values are for lines of text');
  return isJson ? fromJson(world, options, forAll) : fromText(world, options, forAll);
}

type SharedFields = Pick<ProducerRecord, 'headers' | 'partition'>;

function sharedFields({ header, partition }: ProduceOptions): SharedFields {
  return {
    ...(header !== undefined && { headers: header.map(parseHeader) }),
    ...(partition !== undefined && { partition }),
  };
}

function parseHeader(text: string): HeaderInput {
  const at = text.indexOf('=');
  if (at < 0) throw new UsageError(`--header ${text}: write it as name=value`);
  return { key: text.slice(0, at), value: utf8Encode(text.slice(at + 1)) };
}

function tombstone({ key }: ProduceOptions, forAll: SharedFields): ProducerRecord {
  if (key === undefined) throw new UsageError('--tombstone: say whose, with --key');
  return { key: utf8Encode(key), value: null, ...forAll };
}

async function* fromText(
  world: World,
  { keySeparator, key, nullValues }: ProduceOptions,
  forAll: SharedFields,
): AsyncGenerator<readonly ProducerRecord[], void, undefined> {
  const separator = keySeparator === undefined ? undefined : utf8Encode(keySeparator);
  const fixedKey = key === undefined ? null : utf8Encode(key);
  const record = (line: Uint8Array): ProducerRecord => {
    const at = separator === undefined ? -1 : indexOfBytes(line, separator);
    const value = separator === undefined || at < 0 ? line : line.subarray(at + separator.length);
    return {
      key: at < 0 ? fixedKey : line.subarray(0, at),
      value: nullValues && value.length === 0 ? null : value,
      ...forAll,
    };
  };
  for await (const lines of linesOf(world.stdin)) yield lines.map(record);
}

/** A line that is no record ends it, after those before it have been sent. */
async function* fromJson(
  world: World,
  { key }: ProduceOptions,
  forAll: SharedFields,
): AsyncGenerator<readonly ProducerRecord[], void, undefined> {
  const fixedKey = key === undefined ? undefined : utf8Encode(key);
  let number = 0;
  for await (const lines of linesOf(world.stdin)) {
    const records: ProducerRecord[] = [];
    let failure: Error | undefined;
    for (const line of lines) {
      number += 1;
      try {
        const json = bare(utf8Decode(line));
        if (json !== '')
          records.push({
            ...recordOf(json),
            ...(fixedKey !== undefined && { key: fixedKey }),
            ...forAll,
          });
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        failure = new Error(`line ${number} of what was read: ${reason}`, { cause });
        break;
      }
    }
    yield records;
    if (failure !== undefined) throw failure;
  }
}

/** A list of JSON, an element a line, reads as well: without the list's own signs. */
function bare(line: string): string {
  const text = line.trim().replace(/,$/, '').trimEnd();
  return text === '[' || text === ']' ? '' : text;
}
