/**
 * Turns a message's shape into closures for one version: what the version does not have, what may
 * be null there and how lengths are written is decided once, here, and not for each frame. (Source
 * text made at run time would be two to four times as fast, and is refused by any web page with a
 * content security policy.)
 *
 * Beside reading and writing, a codec knows the fewest bytes that a value can take, which makes the
 * check of a declared count tight, and the slots that it takes in memory (see Reader).
 */
import { OBJECT_SLOTS, type Reader } from '../bytes/reader.ts';
import { UnencodableValue, type Writer } from '../bytes/writer.ts';
import { defaultOf, defaultTest, isOmissible } from './defaults.ts';
import type { Field, Kind, Shape } from './fields.ts';
import { scalarCodec, writeLength } from './scalars.ts';
import { readTagged, type TaggedField, writeTagged } from './tagged.ts';

export interface Codec<Out = unknown> {
  read(reader: Reader): Out;
  write(writer: Writer, value: unknown): void;
  readonly bytesMin: number;
  /**
   * Besides the place that holds the value, and what its strings, bytes and arrays take when they
   * are read.
   */
  readonly slots: number;
}

export interface Encoding {
  readonly version: number;
  /** Compact lengths, and tagged fields at the end of each struct (KIP-482). */
  readonly isFlexible: boolean;
}

export function compileStruct(shape: Shape, encoding: Encoding): Codec<Record<string, unknown>> {
  const { isFlexible } = encoding;
  const fields = Object.entries(shape);
  const names = fields.map(([name]) => name);
  // Undefined for what this version does not have in this place.
  const codecs = fields.map(([, field]) =>
    isPresent(field, encoding) && field.options.tag === undefined
      ? compileField(field, encoding)
      : undefined,
  );
  const defaults = fields.map(([, field]) => defaultOf(field));
  // Undefined for what an encoder must be given, so that the codec refuses it.
  const fallbacks = fields.map(([, field]) => (isOmissible(field) ? defaultOf(field) : undefined));
  const tagged = compileTagged(shape, encoding);

  return {
    bytesMin: codecs.reduce((total, codec) => total + (codec?.bytesMin ?? 0), isFlexible ? 1 : 0),
    slots: codecs.reduce(
      (total, codec) => total + (codec?.slots ?? 0),
      OBJECT_SLOTS + names.length,
    ),
    read(reader) {
      // Bodies of all versions get the same fields in the same order: one hidden class for the
      // code that uses them. (Measured: faster than cloning a blank.)
      const body: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) {
        const codec = codecs[i];
        body[names[i]!] = codec === undefined ? defaults[i] : codec.read(reader);
      }
      if (isFlexible) readTagged(reader, tagged, body);
      return body;
    },
    write(writer, value) {
      if (typeof value !== 'object' || value === null) {
        throw new UnencodableValue(`${String(value)} where a struct must be`);
      }
      const body = value as Record<string, unknown>;
      let i = 0;
      try {
        for (; i < names.length; i++) {
          const codec = codecs[i];
          if (codec === undefined) continue;
          const field = body[names[i]!];
          codec.write(writer, field === undefined ? fallbacks[i] : field);
        }
      } catch (error) {
        throw within(names[i]!, error);
      }
      if (isFlexible) writeTagged(writer, tagged, body);
    },
  };
}

function compileTagged(shape: Shape, encoding: Encoding): readonly TaggedField[] {
  if (!encoding.isFlexible) return [];
  const fields: TaggedField[] = [];
  for (const [name, field] of Object.entries(shape)) {
    const { tag } = field.options;
    if (tag === undefined || !isPresent(field, encoding)) continue;
    fields.push({ name, tag, codec: compileField(field, encoding), isDefault: defaultTest(field) });
  }
  return fields.sort((a, b) => a.tag - b.tag);
}

function compileField(field: Field, encoding: Encoding): Codec {
  return compileKind(field.kind, encoding, isNullable(field, encoding));
}

function compileKind(kind: Kind, encoding: Encoding, nullable: boolean): Codec {
  switch (kind.type) {
    case 'array':
      return arrayCodec(compileKind(kind.element, encoding, false), encoding.isFlexible, nullable);
    case 'struct': {
      const codec = compileStruct(kind.shape, encoding);
      return nullable ? nullableStructCodec(codec) : codec;
    }
    default:
      return scalarCodec(kind.type, encoding.isFlexible, nullable);
  }
}

function arrayCodec(element: Codec, isFlexible: boolean, nullable: boolean): Codec {
  const elementSlots = 1 + element.slots;
  const { bytesMin } = element;
  const empty = Object.freeze([]);
  return {
    bytesMin: isFlexible ? 1 : 4,
    slots: 0,
    read(reader) {
      const count = isFlexible
        ? reader.compactArrayLength(bytesMin, elementSlots)
        : reader.arrayLength(bytesMin, elementSlots);
      if (count === 0) return empty;
      if (count < 0) return nullable ? null : reader.fail('null where an array must be');
      const elements = new Array<unknown>(count);
      for (let i = 0; i < count; i++) elements[i] = element.read(reader);
      return elements;
    },
    write(writer, value) {
      if (value === null && nullable) return writeLength(writer, isFlexible, -1);
      if (!Array.isArray(value)) {
        throw new UnencodableValue(`${String(value)} where an array must be`);
      }
      writeLength(writer, isFlexible, value.length);
      let i = 0;
      try {
        for (; i < value.length; i++) element.write(writer, value[i]);
      } catch (error) {
        throw within(String(i), error);
      }
    },
  };
}

/** A byte says whether it is there, in compact encodings too: 1, or -1 for null. */
function nullableStructCodec(codec: Codec): Codec {
  return {
    bytesMin: 1,
    slots: 0,
    read(reader) {
      if (reader.int8() < 0) return null;
      reader.charge(codec.slots);
      return codec.read(reader);
    },
    write(writer, value) {
      writer.int8(value === null ? -1 : 1);
      if (value !== null) codec.write(writer, value);
    },
  };
}

function isPresent({ options }: Field, { version }: Encoding): boolean {
  return version >= (options.since ?? 0) && version <= (options.until ?? Infinity);
}

function isNullable({ options }: Field, { version }: Encoding): boolean {
  return (
    options.nullable === true || (options.nullable !== undefined && version >= options.nullable)
  );
}

/**
 * Says where in a body the value is that does not fit: "topics: 3: name: null where a string must
 * be".
 */
function within(place: string, error: unknown): unknown {
  if (error instanceof UnencodableValue) error.message = `${place}: ${error.message}`;
  return error;
}
