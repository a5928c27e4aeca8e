/**
 * Cuts a byte stream into frames: a length (int32), then as many bytes. The cutting of the stream
 * into chunks means nothing.
 *
 * A frame that lies whole in one chunk is passed on as a view. Any other is put together in a
 * buffer that grows with what has really arrived: a peer that announces 100 MiB and sends ten bytes
 * costs a few hundred bytes.
 */
import { MalformedFrame } from './bytes/malformed-frame.ts';
import type { Writer } from './bytes/writer.ts';

const LENGTH_BYTES = 4;
/**
 * A buffer that is full becomes this many times as large; hence never more than this times what has
 * arrived.
 */
const GROWTH = 4;
const BUFFER_BYTES_MIN = 256;

/**
 * The peer announced a frame beyond the limit. The stream cannot be read on; the connection is
 * closed.
 */
export class FrameTooLarge extends Error {
  override readonly name = 'FrameTooLarge';
  readonly sizeBytes: number;
  readonly limitBytes: number;

  constructor(sizeBytes: number, limitBytes: number) {
    super(`a frame of ${sizeBytes} bytes was announced, the limit is ${limitBytes}`);
    this.sizeBytes = sizeBytes;
    this.limitBytes = limitBytes;
  }
}

export interface FrameReaderOptions {
  /** Largest frame, its length not counted (Kafka's `socket.request.max.bytes`). */
  readonly frameBytesMax: number;
  /**
   * Called for each frame in order, without its length. The bytes are valid during the call only,
   * unless `owned`: then they may be kept and nobody will write them again.
   */
  readonly onFrame: (bytes: Uint8Array, owned: boolean) => void;
}

export class FrameReader {
  private readonly frameBytesMax: number;
  private readonly onFrame: (bytes: Uint8Array, owned: boolean) => void;
  /** Of the frame that has begun; undefined while its length is not whole. */
  private size: number | undefined;
  /** A length that the end of a chunk cut in two: what is there of it. */
  private lengthSoFar = 0;
  private lengthFilled = 0;
  /** A frame that a chunk's end cut in two: what is there of it. */
  private buffer: Uint8Array | undefined;
  private filled = 0;
  private failure: Error | undefined;

  constructor({ frameBytesMax, onFrame }: FrameReaderOptions) {
    this.frameBytesMax = frameBytesMax;
    this.onFrame = onFrame;
  }

  /** Memory held for a frame that is not whole yet. */
  get bufferedBytes(): number {
    return this.buffer?.length ?? 0;
  }

  /**
   * Throws FrameTooLarge or MalformedFrame when a length is impossible; from then on the stream
   * cannot be read. What `onFrame` throws passes through, and the rest of the chunk is lost.
   */
  push(chunk: Uint8Array, owned: boolean): void {
    if (this.failure !== undefined) throw this.failure;
    let position = 0;
    while (position < chunk.length || this.size === 0) {
      if (this.size === undefined) {
        position = this.readLength(chunk, position);
      } else if (this.filled === 0 && chunk.length - position >= this.size) {
        const view = new Uint8Array(chunk.buffer, chunk.byteOffset + position, this.size);
        position += this.size;
        this.size = undefined;
        this.onFrame(view, owned);
      } else {
        position = this.gather(chunk, position, this.size);
      }
    }
  }

  private readLength(chunk: Uint8Array, position: number): number {
    while (this.lengthFilled < LENGTH_BYTES && position < chunk.length) {
      this.lengthSoFar = (this.lengthSoFar << 8) | chunk[position++]!;
      this.lengthFilled++;
    }
    if (this.lengthFilled < LENGTH_BYTES) return position;
    const size = this.lengthSoFar;
    this.lengthSoFar = 0;
    this.lengthFilled = 0;
    if (size < 0) this.fail(new MalformedFrame(`a frame of ${size} bytes was announced`));
    if (size > this.frameBytesMax) this.fail(new FrameTooLarge(size, this.frameBytesMax));
    this.size = size;
    return position;
  }

  /** Adds what the chunk has of the frame to what came before. */
  private gather(chunk: Uint8Array, position: number, size: number): number {
    const end = Math.min(chunk.length, position + size - this.filled);
    const filled = this.filled + end - position;
    let buffer = this.buffer;
    if (buffer === undefined || buffer.length < filled) {
      const grown = new Uint8Array(Math.min(size, Math.max(BUFFER_BYTES_MIN, GROWTH * filled)));
      if (buffer !== undefined) grown.set(buffer.subarray(0, this.filled));
      buffer = grown;
    }
    buffer.set(chunk.subarray(position, end), this.filled);
    if (filled < size) {
      this.buffer = buffer;
      this.filled = filled;
    } else {
      this.buffer = undefined;
      this.filled = 0;
      this.size = undefined;
      this.onFrame(buffer, true);
    }
    return end;
  }

  private fail(failure: Error): never {
    this.failure = failure;
    throw failure;
  }
}

/** Puts the length in front. */
export function frame(chunks: readonly Uint8Array[]): Uint8Array[] {
  const length = new Uint8Array(LENGTH_BYTES);
  setLength(
    length,
    chunks.reduce((total, chunk) => total + chunk.length, 0),
  );
  return [length, ...chunks];
}

/** Ends a frame that was begun with four bytes for its length. */
export function sealFrame(writer: Writer): Uint8Array[] {
  const size = writer.length - LENGTH_BYTES;
  const chunks = writer.finish();
  setLength(chunks[0]!, size);
  return chunks;
}

function setLength(target: Uint8Array, length: number): void {
  target[0] = length >>> 24;
  target[1] = length >>> 16;
  target[2] = length >>> 8;
  target[3] = length;
}
