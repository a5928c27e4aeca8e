/**
 * The next piece of a file, read while the reader still looks at the last one. A consumer that follows a log asks for one
 * piece after another and waits for each: with the next one fetched meanwhile, disk and network work at the same time.
 *
 * Only whoever got a full answer is read ahead for, one piece a place; what is not asked for goes when others need the
 * memory, oldest first. The bytes are what the file held when it was read: the asker drops them when the log's generation
 * has changed, as it does with its own reads.
 */
import { READ_AHEAD_BYTES_MAX } from './limits.ts';
import type { Segment } from './segment.ts';

interface Piece {
  readonly segment: Segment;
  readonly position: number;
  readonly length: number;
  readonly generation: number;
  readonly bytes: Promise<Uint8Array>;
}

export class ReadAhead {
  readonly #bytesMax: number;
  /** Oldest first. */
  readonly #pieces = new Set<Piece>();
  #sizeBytes = 0;

  constructor(bytesMax: number = READ_AHEAD_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What was read ahead there, if it is enough; it is the caller's then. */
  take(
    segment: Segment,
    position: number,
    length: number,
    generation: number,
  ): Promise<Uint8Array> | undefined {
    for (const piece of this.#pieces) {
      if (piece.segment !== segment || piece.position !== position) continue;
      this.#drop(piece);
      if (piece.generation !== generation || piece.length < length) return undefined;
      return piece.length === length
        ? piece.bytes
        : piece.bytes.then((bytes) => bytes.subarray(0, length));
    }
    return undefined;
  }

  begin(segment: Segment, position: number, length: number, generation: number): void {
    if (length <= 0 || length > this.#bytesMax) return;
    for (const piece of this.#pieces) {
      if (piece.segment === segment && piece.position === position) return;
    }
    while (this.#sizeBytes + length > this.#bytesMax) {
      for (const oldest of this.#pieces) {
        this.#drop(oldest);
        break;
      }
    }
    const bytes = segment.file.read(position, length);
    const piece: Piece = { segment, position, length, generation, bytes };
    this.#pieces.add(piece);
    this.#sizeBytes += length;
    // Nobody may ever ask for it: a failure then is nobody's. Whoever asks gets the rejection.
    bytes.catch(() => this.#drop(piece));
  }

  close(): void {
    this.#pieces.clear();
    this.#sizeBytes = 0;
  }

  #drop(piece: Piece): void {
    if (this.#pieces.delete(piece)) this.#sizeBytes -= piece.length;
  }
}
