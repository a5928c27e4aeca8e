/**
 * Compression as the logs have it, with a bound on what one request may have unpacked. Each batch is bounded by its log; but a
 * request may hold a thousand of a few kilobytes each that all unpack to that bound, and is decided in one go.
 */
import { CompressionError, type Compression, type CompressionName } from '@odradek/ports';

export class Unpacking implements Compression {
  readonly #compression: Compression;
  #bytesLeft = Number.POSITIVE_INFINITY;

  constructor(compression: Compression) {
    this.#compression = compression;
  }

  compress(codec: CompressionName, bytes: Uint8Array): Uint8Array {
    return this.#compression.compress(codec, bytes);
  }

  decompress(codec: CompressionName, bytes: Uint8Array, limitBytes: number): Uint8Array {
    if (this.#bytesLeft <= 0)
      throw new CompressionError(
        'tooLarge',
        'the batches before have unpacked to what one request may',
      );
    try {
      const unpacked = this.#compression.decompress(
        codec,
        bytes,
        Math.min(limitBytes, this.#bytesLeft),
      );
      this.#bytesLeft -= unpacked.byteLength;
      return unpacked;
    } catch (error) {
      // Up to the limit it was unpacked.
      if (error instanceof CompressionError && error.kind === 'tooLarge') this.#bytesLeft = 0;
      throw error;
    }
  }

  /** What `work` has unpacked is bounded. It is done when it returns: what it leaves to be awaited is not counted. */
  within<T>(bytesMax: number, work: () => T): T {
    this.#bytesLeft = bytesMax;
    try {
      return work();
    } finally {
      this.#bytesLeft = Number.POSITIVE_INFINITY;
    }
  }
}
