import { CompressionError, type Compression } from '@odradek/ports';
import { describe, expect, it } from 'vitest';
import { Unpacking } from './unpacking.ts';

/** Its bytes say how many they unpack to; tells the limits that it was given. */
const counting = () => {
  const limits: number[] = [];
  const compression: Compression = {
    compress: (_, bytes) => bytes,
    decompress(_, bytes, limitBytes) {
      limits.push(limitBytes);
      if (bytes[0]! > limitBytes) throw new CompressionError('tooLarge', 'too large');
      return new Uint8Array(bytes[0]!);
    },
  };
  return { limits, unpacking: new Unpacking(compression) };
};

const packed = (bytes: number): Uint8Array => Uint8Array.of(bytes);

describe('what one request may have unpacked', () => {
  it('is bounded over all its batches', () => {
    const { limits, unpacking } = counting();
    unpacking.within(100, () => {
      expect(unpacking.decompress('zstd', packed(60), 80)).toHaveLength(60);
      expect(unpacking.decompress('zstd', packed(40), 80)).toHaveLength(40);
      expect(() => unpacking.decompress('zstd', packed(1), 80)).toThrow(CompressionError);
    });
    expect(limits).toEqual([80, 40]);
  });

  it('is used up by a batch that would not fit: the next ones cost nothing', () => {
    const { limits, unpacking } = counting();
    unpacking.within(100, () => {
      expect(() => unpacking.decompress('zstd', packed(200), 500)).toThrow(CompressionError);
      for (let n = 0; n < 10; n++)
        expect(() => unpacking.decompress('zstd', packed(1), 500)).toThrow(CompressionError);
    });
    expect(limits).toEqual([100]);
  });

  it("is nobody else's matter", () => {
    const { limits, unpacking } = counting();
    expect(() =>
      unpacking.within(1, () => {
        throw new Error('a defect');
      }),
    ).toThrow('a defect');
    expect(unpacking.decompress('gzip', packed(200), 500)).toHaveLength(200);
    expect(limits).toEqual([500]);
  });
});
