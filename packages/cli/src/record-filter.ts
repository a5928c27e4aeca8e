/** Which records `tail` shows: all conditions must hold. Bytes are decoded only where a condition looks at text. */
import type { ReadRecord } from '@odradek/client';
import { utf8Encode } from '@odradek/protocol';
import { textOf } from './envelope.ts';
import { jsonCondition } from './json-condition.ts';
import { regularExpression } from './regular-expression.ts';

export interface FilterOptions {
  readonly key?: string;
  readonly value?: string;
  readonly header?: readonly string[];
  readonly where?: readonly string[];
}

export type RecordFilter = (record: ReadRecord) => boolean;

/** Undefined when everything is wanted. */
export function recordFilter({
  key,
  value,
  header = [],
  where = [],
}: FilterOptions): RecordFilter | undefined {
  const conditions: RecordFilter[] = header.map(headerCondition);
  if (key !== undefined) {
    const holds = bytesCondition(key);
    conditions.push((record) => record.key !== null && holds(record.key));
  }
  if (value !== undefined) {
    const holds = bytesCondition(value);
    conditions.push((record) => record.value !== null && holds(record.value));
  }
  if (where.length > 0) {
    const all = where.map(jsonCondition);
    conditions.push(({ value: bytes }) => {
      const json = bytes === null ? undefined : parse(bytes);
      return json !== undefined && all.every((holds) => holds(json.value));
    });
  }
  return conditions.length === 0
    ? undefined
    : (record) => conditions.every((holds) => holds(record));
}

/** A part of the bytes, or a /regular expression/ over their text. */
function bytesCondition(wanted: string): (bytes: Uint8Array) => boolean {
  const expression = regularExpression(wanted);
  if (expression !== undefined) return (bytes) => expression.test(Buffer.from(bytes).toString());
  const part = Buffer.from(wanted);
  return (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(part);
}

/** "name" is there; "name=value" has that value. */
function headerCondition(text: string): RecordFilter {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at);
  const value = at < 0 ? undefined : utf8Encode(text.slice(at + 1));
  return ({ headers }) =>
    headers.some(
      (header) =>
        header.key === name &&
        (value === undefined ||
          (header.value !== null && Buffer.compare(header.value, value) === 0)),
    );
}

function parse(bytes: Uint8Array): { readonly value: unknown } | undefined {
  const text = textOf(bytes);
  if (text === undefined) return undefined;
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
