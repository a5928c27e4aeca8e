/** Codecs of the types that are neither arrays nor structs. */
import type { Reader } from '../bytes/reader.ts';
import { UnencodableValue, type Writer } from '../bytes/writer.ts';
import type { Uuid } from '../ids.ts';
import type { Codec } from './compile.ts';
import type { ScalarType } from './fields.ts';

export function scalarCodec(type: ScalarType, isFlexible: boolean, isNullable: boolean): Codec {
  switch (type) {
    case 'boolean':
      return fixed(
        1,
        (reader) => reader.boolean(),
        (writer, value: boolean) => writer.boolean(value),
      );
    case 'int8':
      return fixed(
        1,
        (reader) => reader.int8(),
        (writer, value: number) => writer.int8(value),
      );
    case 'int16':
      return fixed(
        2,
        (reader) => reader.int16(),
        (writer, value: number) => writer.int16(value),
      );
    case 'uint16':
      return fixed(
        2,
        (reader) => reader.uint16(),
        (writer, value: number) => writer.uint16(value),
      );
    case 'int32':
      return fixed(
        4,
        (reader) => reader.int32(),
        (writer, value: number) => writer.int32(value),
      );
    case 'uint32':
      return fixed(
        4,
        (reader) => reader.uint32(),
        (writer, value: number) => writer.uint32(value),
      );
    case 'int64':
      return fixed(
        8,
        (reader) => reader.int64(),
        (writer, value: number) => writer.int64(value),
      );
    case 'float64':
      return fixed(
        8,
        (reader) => reader.float64(),
        (writer, value: number) => writer.float64(value),
      );
    case 'uuid':
      return fixed(
        16,
        (reader) => reader.uuid(),
        (writer, value: Uuid) => writer.uuid(value),
      );
    case 'string':
      return stringCodec(isFlexible, isNullable);
    case 'bytes':
    case 'records':
      return bytesCodec(isFlexible, isNullable);
  }
}

function fixed<T>(
  bytesMin: number,
  read: (reader: Reader) => T,
  write: (writer: Writer, value: T) => void,
): Codec {
  return { bytesMin, slots: 0, read, write: write as Codec['write'] };
}

function stringCodec(isFlexible: boolean, isNullable: boolean): Codec {
  const read = isFlexible
    ? (reader: Reader) => reader.compactNullableString()
    : (reader: Reader) => reader.nullableString();
  return {
    bytesMin: isFlexible ? 1 : 2,
    slots: 0,
    read: isNullable
      ? read
      : (reader) => read(reader) ?? reader.fail('null where a string must be'),
    write(writer, value) {
      if (value === null && !isNullable) throw new UnencodableValue('null where a string must be');
      if (isFlexible) writer.compactNullableString(value as string | null);
      else writer.nullableString(value as string | null);
    },
  };
}

/** An encoder takes the bytes whole or in pieces. */
function bytesCodec(isFlexible: boolean, isNullable: boolean): Codec {
  const read = isFlexible
    ? (reader: Reader) => reader.compactNullableBytes()
    : (reader: Reader) => reader.nullableBytes();
  return {
    bytesMin: isFlexible ? 1 : 4,
    slots: 0,
    read: isNullable ? read : (reader) => read(reader) ?? reader.fail('null where bytes must be'),
    write(writer, value) {
      if (value === null) {
        if (!isNullable) throw new UnencodableValue('null where bytes must be');
        writeLength(writer, isFlexible, -1);
      } else if (value instanceof Uint8Array) {
        writeLength(writer, isFlexible, value.length);
        writer.raw(value);
      } else if (Array.isArray(value)) {
        const pieces = value as readonly Uint8Array[];
        writeLength(
          writer,
          isFlexible,
          pieces.reduce((total, piece) => total + piece.length, 0),
        );
        for (const piece of pieces) writer.raw(piece);
      } else {
        throw new UnencodableValue(`${String(value)} where bytes must be`);
      }
    },
  };
}

/** The length of bytes or of an array; -1 for null. */
export function writeLength(writer: Writer, isFlexible: boolean, length: number): void {
  if (isFlexible) writer.unsignedVarint(length + 1);
  else writer.int32(length);
}
