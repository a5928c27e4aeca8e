/**
 * Bytes that claim to be record batches and are not. Thrown by everything in this folder that reads batches, and the only
 * thing that it throws for bad bytes. `errorCode` is Kafka's code for a client that sent them: CORRUPT_MESSAGE (2) when
 * lengths or checksum cannot be, INVALID_RECORD (87) when the batch is whole and its contents are wrong.
 */
export class MalformedBatch extends Error {
  override readonly name = 'MalformedBatch';
  readonly errorCode: number;
  constructor(message: string, options: { errorCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.errorCode = options.errorCode ?? 2;
  }
}
