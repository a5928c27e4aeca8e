import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerKey, headerKeyBytes, writeHeaderKey } from './header-key.ts';

describe('header keys', () => {
  it('are written as TextEncoder writes them', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units))), (key) => {
        const expected = new TextEncoder().encode(key);
        expect(headerKeyBytes(key)).toBe(expected.length);
        const bytes = new Uint8Array(expected.length);
        expect(writeHeaderKey(bytes, 0, key)).toBe(expected.length);
        expect(Buffer.from(bytes).equals(expected)).toBe(true);
      }),
    );
  });

  it('are read as TextDecoder reads them, whatever the bytes', () => {
    const sequences = fc.constantFrom([0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x8f, 0xbf, 0xbf], [0xf4, 0x90, 0x80, 0x80], [0xf0, 0x9d, 0x84, 0x9e], [0xc3, 0xa9], [0xe2, 0x82], [0xff]);
    const anyBytes = fc.oneof(fc.uint8Array(), fc.array(fc.oneof(sequences, fc.tuple(fc.integer({ min: 0, max: 255 })))).map((parts) => Uint8Array.from(parts.flat())));
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(headerKey(bytes)).toBe(decoder.decode(bytes));
      }),
    );
  });
});
