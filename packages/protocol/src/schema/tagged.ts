/**
 * The section that ends each struct of a flexible version (KIP-482): fields that are sent only when
 * they say something, each with its tag and size. An unknown tag is stepped over, so that a newer
 * peer may add what we do not know.
 */
import type { Reader } from '../bytes/reader.ts';
import { Writer } from '../bytes/writer.ts';
import type { Codec } from './compile.ts';

export interface TaggedField {
  readonly name: string;
  readonly tag: number;
  readonly codec: Codec;
  readonly isDefault: (value: unknown) => boolean;
}

/** A tag and a size. */
const TAGGED_FIELD_BYTES_MIN = 2;

export function readTagged(
  reader: Reader,
  fields: readonly TaggedField[],
  body: Record<string, unknown>,
): void {
  const count = reader.unsignedVarint();
  if (count === 0) return;
  if (count * TAGGED_FIELD_BYTES_MIN > reader.bytesLeft) {
    reader.fail(`${count} tagged fields where ${reader.bytesLeft} bytes are left`);
  }
  for (let i = 0; i < count; i++) {
    const tag = reader.unsignedVarint();
    const size = reader.unsignedVarint();
    const field = fields.find((candidate) => candidate.tag === tag);
    if (field === undefined) {
      reader.skip(size);
      continue;
    }
    const outerEnd = reader.enter(size);
    reader.charge(field.codec.slots);
    body[field.name] = field.codec.read(reader);
    reader.leave(outerEnd);
  }
}

/** `fields` in the order of their tags. */
export function writeTagged(
  writer: Writer,
  fields: readonly TaggedField[],
  body: Record<string, unknown>,
): void {
  if (fields.length === 0) return writer.unsignedVarint(0);
  const sent = fields.filter(
    ({ name, isDefault }) => body[name] !== undefined && !isDefault(body[name]),
  );
  writer.unsignedVarint(sent.length);
  for (const { name, tag, codec } of sent) {
    // Its size comes first, and is known last.
    const field = new Writer();
    codec.write(field, body[name]);
    writer.unsignedVarint(tag);
    writer.unsignedVarint(field.length);
    for (const chunk of field.finish()) writer.raw(chunk);
  }
}
