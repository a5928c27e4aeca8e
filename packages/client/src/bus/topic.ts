/**
 * A topic's name, and what its keys and values are: `topic('orders', { key: 'string', value: Order })`. A schema alone means JSON that is
 * checked; `{ serde, schema }` says both; a serde alone is not checked.
 */
import { SchemaMismatch } from '../errors.ts';
import { isSchema, validated } from './schema.ts';
import type { StandardSchema } from './schema.ts';
import { serdes } from './serde.ts';
import type { Serde, SerdeName } from './serde.ts';

export type Format =
  | SerdeName
  // Whatever it takes and gives: the types below find out.
  | Serde<never, unknown>
  | StandardSchema
  | {
      readonly serde: SerdeName | Serde<never, unknown>;
      readonly schema: StandardSchema;
    };

type Named<Name> = Name extends 'bytes' ? Uint8Array : Name extends 'string' ? string : unknown;

/** What may be sent. */
export type SentAs<F> = F extends SerdeName
  ? Named<F>
  : F extends StandardSchema<infer In, unknown>
    ? In
    : F extends { readonly schema: StandardSchema<infer In, unknown> }
      ? In
      : F extends Serde<infer In, unknown>
        ? In
        : never;

/** What is received. */
export type ReceivedAs<F> = F extends SerdeName
  ? Named<F>
  : F extends StandardSchema<unknown, infer Out>
    ? Out
    : F extends { readonly schema: StandardSchema<unknown, infer Out> }
      ? Out
      : F extends Serde<never, infer Out>
        ? Out
        : never;

export interface TopicOptions<K extends Format, V extends Format, T extends boolean> {
  /** 'string' unless said otherwise. */
  readonly key?: K;
  /** 'json' unless said otherwise. */
  readonly value?: V;
  /** Whether null is a value: in a compacted topic it deletes its key. */
  readonly tombstones?: T;
}

/** One side of a record, between its bytes and what the program sees. */
export interface Codec<In, Out> {
  encode(value: In): Promise<Uint8Array> | Uint8Array;
  decode(bytes: Uint8Array): Promise<Out> | Out;
}

export interface Topic<KIn = unknown, VIn = unknown, KOut = KIn, VOut = VIn> {
  readonly name: string;
  readonly key: Codec<KIn, KOut>;
  readonly value: Codec<VIn, VOut>;
  readonly tombstones: boolean;
}

type OrNull<V, T extends boolean> = T extends true ? V | null : V;

export const topic = <
  const K extends Format = 'string',
  const V extends Format = 'json',
  const T extends boolean = false,
>(
  name: string,
  options: TopicOptions<K, V, T> = {},
): Topic<SentAs<K>, OrNull<SentAs<V>, T>, ReceivedAs<K>, OrNull<ReceivedAs<V>, T>> => ({
  name,
  key: codecOf(options.key ?? 'string', `${name}'s key`) as Codec<SentAs<K>, ReceivedAs<K>>,
  value: codecOf(options.value ?? 'json', `${name}'s value`) as Codec<
    OrNull<SentAs<V>, T>,
    OrNull<ReceivedAs<V>, T>
  >,
  tombstones: options.tombstones ?? false,
});

function codecOf(format: Format, place: string): Codec<unknown, unknown> {
  const schema = isSchema(format)
    ? format
    : typeof format === 'object' && 'schema' in format
      ? format.schema
      : undefined;
  const serde = serdeOf(format);
  return {
    encode(value) {
      if (schema === undefined) return inPlace(place, 'sent', () => serde.serialize(value));
      return validated(schema, value, place).then((checked) =>
        inPlace(place, 'sent', () => serde.serialize(checked)),
      );
    },
    decode(bytes) {
      const value = inPlace(place, 'read', () => serde.deserialize(bytes));
      return schema === undefined ? value : validated(schema, value, place);
    },
  };
}

function serdeOf(format: Format): Serde<unknown> {
  if (typeof format === 'string') return serdes[format] as Serde<unknown>;
  if (isSchema(format)) return serdes.json;
  if ('schema' in format) return serdeOf(format.serde as SerdeName);
  return format as Serde<unknown>;
}

function inPlace<T>(place: string, done: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new SchemaMismatch(
      `${place} cannot be ${done}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
