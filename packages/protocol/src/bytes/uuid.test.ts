import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZERO_UUID } from '../ids.ts';
import { uuidFromBase64, uuidFromBytes, uuidToBase64, uuidToBytes } from './uuid.ts';

describe('uuids', () => {
  it('go through bytes and through base64 and come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const uuid = uuidFromBytes(bytes);
        expect(uuid).toBe(Buffer.from(bytes).toString('hex'));
        expect(uuidToBytes(uuid)).toEqual(bytes);
        expect(uuidToBase64(uuid)).toBe(Buffer.from(bytes).toString('base64url'));
        expect(uuidFromBase64(uuidToBase64(uuid))).toBe(uuid);
        expect(uuidFromBase64(`${uuidToBase64(uuid)}==`)).toBe(uuid);
      }),
    );
  });

  it('are printed as Kafka prints them', () => {
    expect(uuidToBase64(ZERO_UUID)).toBe('AAAAAAAAAAAAAAAAAAAAAA');
  });

  it('do not come from other text', () => {
    const texts = ['', 'AAAA', 'A'.repeat(21) + '+', 'A'.repeat(21) + 'B', 'x'.repeat(23)];
    expect(texts.filter((text) => uuidFromBase64(text) !== undefined)).toEqual([]);
    expect(() => uuidToBytes('zz' as never)).toThrow(RangeError);
    expect(() => uuidToBytes('g'.repeat(32) as never)).toThrow(RangeError);
  });
});
