/** Values to bytes and back. Null never comes here: it is Kafka's own null (no key, or a tombstone). */
import { utf8Decode, utf8Encode } from '@odradek/protocol';

export interface Serde<In, Out = In> {
  serialize(value: In): Uint8Array;
  deserialize(bytes: Uint8Array): Out;
}

export type SerdeName = 'bytes' | 'string' | 'json';

/** As they are; on receipt a view into what was fetched: copy what is kept for long. */
const bytes: Serde<Uint8Array> = {
  serialize(value) {
    if (!(value instanceof Uint8Array)) throw new TypeError(`not bytes but ${typeof value}`);
    return value;
  },
  deserialize: (value) => value,
};

const string: Serde<string> = {
  serialize(value) {
    if (typeof value !== 'string') throw new TypeError(`not a string but ${typeof value}`);
    return utf8Encode(value);
  },
  deserialize: utf8Decode,
};

const json: Serde<unknown> = {
  serialize(value) {
    const written = JSON.stringify(value, faithful);
    if (written === undefined) throw new TypeError(`${typeof value} is nothing in JSON`);
    return utf8Encode(written);
  },
  deserialize: (value) => JSON.parse(utf8Decode(value)) as unknown,
};

/** What JSON would change without a word is an error. (BigInt is one already.) */
function faithful(this: unknown, key: string, value: unknown): unknown {
  const original: unknown = (this as Readonly<Record<string, unknown>>)[key];
  if (Object.prototype.toString.call(original) === '[object Date]')
    throw new TypeError(
      `${key || 'the value'} is a Date, which would come back as text: use toISOString() and a string`,
    );
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`${key || 'the value'} is ${value}, which would come back as null`);
  return value;
}

export const serdes = { bytes, string, json };
