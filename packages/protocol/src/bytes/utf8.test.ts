import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8Decode, utf8Encode, utf8Length } from './utf8.ts';

const platformEncode = (text: string): Uint8Array => new TextEncoder().encode(text);
const platformDecode = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

/** Any UTF-16, lone surrogates included. */
const anyUnits = fc
  .array(fc.nat({ max: 0xffff }), { maxLength: 20 })
  .map((units) => String.fromCharCode(...units));
const anyPoints = fc
  .array(fc.nat({ max: 0x10ffff }), { maxLength: 20 })
  .map((points) => String.fromCodePoint(...points));

describe('UTF-8 without the platform', () => {
  it('encodes as the platform does, broken pairs too', () => {
    fc.assert(
      fc.property(fc.oneof(anyUnits, anyPoints), (text) => {
        expect(Buffer.compare(utf8Encode(text), platformEncode(text))).toBe(0);
        expect(utf8Length(text)).toBe(platformEncode(text).length);
      }),
    );
  });

  it('decodes as the platform does, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(utf8Decode(bytes)).toBe(platformDecode(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('gives each maximal broken part one U+FFFD', () => {
    const cases: readonly (readonly [number[], string])[] = [
      [[0xc0, 0x80], '\ufffd\ufffd'], // overlong: neither byte can begin
      [[0xe2, 0x82], '\ufffd'], // the euro sign, cut off
      [[0xe2, 0x82, 0x41], '\ufffdA'],
      [[0xed, 0xa0, 0x80], '\ufffd\ufffd\ufffd'], // a surrogate
      [[0xf4, 0x90, 0x80, 0x80], '\ufffd\ufffd\ufffd\ufffd'], // above U+10FFFF
      [[0xf0, 0x9f, 0x98, 0x80], '😀'],
    ];
    for (const [bytes, text] of cases) expect(utf8Decode(Uint8Array.from(bytes))).toBe(text);
  });

  it('decodes a part of the bytes, and more than fits one call of String.fromCharCode', () => {
    const long = '😀aé'.repeat(20_000);
    const bytes = Uint8Array.of(1, ...utf8Encode('häuser'), 2);
    expect(utf8Decode(bytes, 1, bytes.length - 1)).toBe('häuser');
    expect(utf8Decode(utf8Encode(long))).toBe(long);
  });
});
