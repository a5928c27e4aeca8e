/** Reads a segment wherever its bytes are: those on the disk from there, the others from the tail. */
import type { LogContents } from './log-state.ts';
import type { ReadBytes } from './scan.ts';
import type { Segment } from './segment.ts';
import type { Tail } from './tail.ts';

export function bytesOf({ tail }: Pick<LogContents, 'tail'>, segment: Segment): ReadBytes {
  if (tail === undefined) return (position, length) => segment.file.read(position, length);
  return async (position, length) => {
    const end = Math.min(position + length, segment.sizeBytes);
    const inMemory = Math.max(position, tail.startOf(segment) ?? segment.sizeBytes);
    // Copied before anything is waited for: a chunk may leave meanwhile.
    const copies = inMemory < end ? copiesOf(tail, segment, inMemory, end) : [];
    const onDisk = Math.min(inMemory, end) - position;
    const read = onDisk > 0 ? [await segment.file.read(position, onDisk)] : [];
    return joined([...read, ...copies]);
  };
}

function copiesOf(tail: Tail, segment: Segment, from: number, to: number): Uint8Array[] {
  const copies: Uint8Array[] = [];
  for (let at = from; at < to;) {
    const chunk = tail.chunkAt(segment, at)!;
    const end = Math.min(to, chunk.position + chunk.used);
    copies.push(chunk.bytes.slice(at - chunk.position, end - chunk.position));
    at = end;
  }
  return copies;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
