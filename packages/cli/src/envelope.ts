/**
 * A record as JSON, one object: what `tail --format json` prints and what `produce --format json` takes. Text is text; bytes that are no
 * UTF-8 stand in base64 under a name that says so. Going in, a value may be any JSON, and headers may be an object.
 */
import type { ProducerRecord, ReadRecord } from '@odradek/client';
import { utf8Encode } from '@odradek/protocol';
import type { HeaderInput } from '@odradek/protocol';

const decoder = () => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface Envelope {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly [field: string]: unknown;
}

export const envelopeOf = (
  topic: string,
  { partition, offset, timestampMs, key, value, headers }: ReadRecord,
): Envelope => ({
  topic,
  partition,
  offset,
  timestamp: timestampMs,
  ...field('key', key),
  ...field('value', value),
  ...(headers.length > 0 && {
    headers: headers.map((header) => ({ name: header.key, ...field('value', header.value) })),
  }),
});

/** Undefined when the bytes are no text. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder().decode(bytes);
  } catch {
    return undefined;
  }
}

function field(name: string, bytes: Uint8Array | null): Readonly<Record<string, string | null>> {
  if (bytes === null) return { [name]: null };
  const text = textOf(bytes);
  return text === undefined
    ? { [`${name}Base64`]: Buffer.from(bytes).toString('base64') }
    : { [name]: text };
}

/** The record that an envelope describes; where it stood before is not looked at, its time is kept. Throws an Error that says what is wrong. */
export function recordOf(json: string): ProducerRecord {
  let envelope: unknown;
  try {
    envelope = JSON.parse(json);
  } catch (cause) {
    throw new Error('it is not JSON', { cause });
  }
  if (!isObject(envelope)) throw new Error('it is not a JSON object with key and value');
  if (!('value' in envelope || 'valueBase64' in envelope))
    throw new Error('it has neither value nor valueBase64; a tombstone says "value": null');
  const { timestamp, headers } = envelope;
  if (timestamp !== undefined && !Number.isSafeInteger(timestamp))
    throw new Error('timestamp is not a number of milliseconds');
  return {
    key: bytesOf(envelope, 'key'),
    value: bytesOf(envelope, 'value'),
    ...(headers !== undefined && { headers: headersOf(headers) }),
    ...(timestamp !== undefined && { timestampMs: timestamp as number }),
  };
}

function headersOf(headers: unknown): readonly HeaderInput[] {
  if (Array.isArray(headers))
    return headers.map((header: unknown) => {
      if (!isObject(header) || typeof header['name'] !== 'string')
        throw new Error('a header has no name');
      return { key: header['name'], value: bytesOf(header, 'value') };
    });
  if (!isObject(headers)) throw new Error('headers are neither a list nor an object');
  return Object.keys(headers).map((key) => ({ key, value: bytesOf(headers, key) }));
}

function bytesOf(of: Readonly<Record<string, unknown>>, name: string): Uint8Array | null {
  const base64 = of[`${name}Base64`];
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
  const value = of[name];
  if (value === undefined || value === null) return null;
  return utf8Encode(typeof value === 'string' ? value : JSON.stringify(value));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
