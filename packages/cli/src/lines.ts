/** Cuts a byte stream into lines without their line feed; what stands after the last one is a line too. Bytes, not text: they are passed on as they are. */
const LINE_FEED = 0x0a;

export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  let rest: Uint8Array[] = [];
  for await (const chunk of chunks) {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      lines.push(join([...rest, chunk.subarray(start, end)]));
      rest = [];
      start = end + 1;
    }
    // Copied: the chunk's memory may be used again.
    if (start < chunk.length) rest.push(chunk.slice(start));
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [join(rest)];
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Where `part` begins in `bytes`; -1 when it does not. */
export function indexOfBytes(bytes: Uint8Array, part: Uint8Array): number {
  const [first] = part;
  if (first === undefined) return -1;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (part.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
