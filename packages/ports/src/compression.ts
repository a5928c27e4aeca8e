/** Kafka's codec names, in the order of their attribute bits 1-4. */
export type CompressionName = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** The four codecs in the framings that Kafka uses (snappy: xerial blocks; lz4: frame with independent blocks). Synchronous: a batch is small. */
export interface Compression {
  /**
   * Awaited before a codec is first used; absent where all are ready. A browser fetches a codec when it is met. Rejects with
   * CompressionError 'unsupported' when it cannot be had.
   */
  prepare?(codec: CompressionName): Promise<void>;
  compress(codec: CompressionName, bytes: Uint8Array): Uint8Array;
  /** Throws CompressionError ('tooLarge' as soon as `limitBytes` would be passed, without making the rest; 'corrupt' otherwise). */
  decompress(codec: CompressionName, bytes: Uint8Array, limitBytes: number): Uint8Array;
}

export class CompressionError extends Error {
  override readonly name = 'CompressionError';
  readonly kind: 'corrupt' | 'tooLarge' | 'unsupported';
  constructor(
    kind: 'corrupt' | 'tooLarge' | 'unsupported',
    message: string,
    options: { cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
  }
}
