import { CompressionError } from '@odradek/ports';

export function corrupt(message: string, cause?: unknown): CompressionError {
  return new CompressionError('corrupt', message, { cause });
}

export function tooLarge(limitBytes: number): CompressionError {
  return new CompressionError('tooLarge', `decompresses to more than ${limitBytes} bytes`);
}
