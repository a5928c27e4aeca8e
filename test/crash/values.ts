/** A record's value tells who wrote it and which of its records it is, in front of a filler that follows from both. */

export interface Value {
  readonly tag: number;
  readonly sequence: number;
}

const HEAD_BYTES = 8;

export const writeValue = ({ tag, sequence }: Value, sizeBytes: number): Uint8Array => {
  const bytes = new Uint8Array(HEAD_BYTES + sizeBytes).fill(fillerOf(tag, sequence), HEAD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, tag);
  view.setInt32(4, sequence);
  return bytes;
};

/** Undefined: nobody wrote that. */
export const readValue = (bytes: Uint8Array | null): Value | undefined => {
  if (bytes === null || bytes.length < HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const value = { tag: view.getInt32(0), sequence: view.getInt32(4) };
  const filler = fillerOf(value.tag, value.sequence);
  for (let at = HEAD_BYTES; at < bytes.length; at++) if (bytes[at] !== filler) return undefined;
  return value;
};

const fillerOf = (tag: number, sequence: number): number => (tag * 31 + sequence * 7) & 0xff;
