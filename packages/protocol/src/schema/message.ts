/**
 * A message: a name, its versions, and its fields in a thunk. Declaring one costs nothing; the
 * fields are made and compiled when a version is first used, and a bundler drops the messages that
 * nobody imports (mark the call `@__PURE__`).
 */
import { Reader } from '../bytes/reader.ts';
import { UnencodableValue, Writer } from '../bytes/writer.ts';
import { type Codec, compileStruct } from './compile.ts';
import type { BodyOf, InputOf, Shape } from './fields.ts';

export interface MessageInfo {
  /** Absent for what is not an API: a record of a log, a group's subscription. */
  readonly key?: number;
  /** Kafka's: "MetadataRequest". */
  readonly name: string;
  readonly versions: readonly [min: number, max: number];
  /** First version with compact lengths and tagged fields (KIP-482). */
  readonly flexible?: number;
}

export interface Message<Out = unknown, In = never> {
  readonly info: MessageInfo;
  /** The declaration itself, for those who walk it: documentation, generators of test data. */
  readonly shape: () => Shape;
  /** Asking for a version that the message does not have is a bug: it throws RangeError. */
  readonly codec: (version: number) => Codec<Out>;
  /** Of types only; never there. */
  readonly types?: { readonly out: Out; readonly in: (value: In) => void };
}

/** What decoding gives: each field of each version, those that are absent as their defaults. */
export type Body<M extends Message> = M extends Message<infer Out> ? Out : never;
/**
 * What encoding takes: fields with a default and fields that not all versions have may be left out.
 */
export type Input<M extends Message> = M extends Message<unknown, infer In> ? In : never;

export function message<S extends Shape>(
  info: MessageInfo,
  shape: () => S,
): Message<BodyOf<S>, InputOf<S>> {
  const codecs: (Codec | undefined)[] = [];
  return {
    info,
    shape,
    codec(version) {
      const codec = (codecs[version] ??= compileVersion(info, shape, version));
      return codec as Codec<BodyOf<S>>;
    },
  };
}

function compileVersion(info: MessageInfo, shape: () => Shape, version: number): Codec {
  const [min, max] = info.versions;
  if (!Number.isInteger(version) || version < min || version > max) {
    throw new RangeError(`${info.name} has versions ${min} to ${max}, not ${version}`);
  }
  return compileStruct(shape(), { version, isFlexible: isFlexible(info, version) });
}

export function isFlexible(info: MessageInfo, version: number): boolean {
  return info.flexible !== undefined && version >= info.flexible;
}

/**
 * Reads one body. Bytes after it are left alone, as Kafka does. Record fields are views on
 * `source`. Throws MalformedFrame, whatever the bytes are.
 */
export function decode<Out>(of: Message<Out>, version: number, source: Uint8Array | Reader): Out {
  const codec = of.codec(version);
  const reader = source instanceof Reader ? source : new Reader(source);
  reader.subject = `${of.info.name} v${version}`;
  return codec.read(reader);
}

/**
 * Writes one body. Record fields of some size are referenced, not copied: they must not change
 * before they are sent.
 */
export function encode<In>(
  to: Message<unknown, In>,
  version: number,
  body: NoInfer<In>,
): Uint8Array[] {
  const writer = new Writer();
  write(to, version, body, writer);
  return writer.finish();
}

/**
 * Writes one body behind what `writer` holds. Throws UnencodableValue with the place of a value
 * that does not fit.
 */
export function write<In>(
  to: Message<unknown, In>,
  version: number,
  body: NoInfer<In>,
  writer: Writer,
): void {
  try {
    to.codec(version).write(writer, body);
  } catch (error) {
    if (error instanceof UnencodableValue) {
      error.message = `${to.info.name} v${version}: ${error.message}`;
    }
    throw error;
  }
}
