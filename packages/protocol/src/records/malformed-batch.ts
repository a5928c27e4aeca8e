import { ErrorCode } from '../error-codes.ts';

/**
 * Bytes that claim to be record batches and are not. Thrown by everything in this folder that reads batches, and the only
 * thing that it throws for bad bytes. `errorCode` is Kafka's code for a client that sent them: CORRUPT_MESSAGE when
 * lengths or checksum cannot be, INVALID_RECORD when the batch is whole and its contents are wrong.
 */
export class MalformedBatch extends Error {
  override readonly name = 'MalformedBatch';
  readonly errorCode: ErrorCode;
  constructor(message: string, options: { errorCode?: ErrorCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.errorCode = options.errorCode ?? ErrorCode.CORRUPT_MESSAGE;
  }
}
