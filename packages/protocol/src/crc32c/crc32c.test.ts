import native from '@node-rs/crc32';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CASTAGNOLI } from './crc32c.ts';
import { createWasmCrc32c, crc32cJs } from './index.ts';
import type { Crc32c, WebAssemblyLike } from './index.ts';

/** Every host has it; the types of Node name it without its values. */
declare const WebAssembly: WebAssemblyLike<object>;

const implementations: [string, Crc32c][] = [
  ['JavaScript', crc32cJs],
  ['WebAssembly', createWasmCrc32c(WebAssembly)],
  ['native', (bytes, seed = 0) => native.crc32c(bytes as Buffer, seed)],
];

/** The definition, a bit at a time. */
const crc32cByBits: Crc32c = (bytes, seed = 0) => {
  let crc = ~seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1;
  }
  return ~crc >>> 0;
};

/** Bytes without a pattern, the same in each run. */
function noise(length: number): Uint8Array {
  let state = 0x2545f491;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}

describe.each(implementations)('CRC-32C, %s', (_, crc32c) => {
  it.each<[string, Uint8Array, number]>([
    ['nothing', new Uint8Array(), 0],
    ['"123456789"', new TextEncoder().encode('123456789'), 0xe3069283],
    // RFC 3720, appendix B.4.
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    ['31 to 0', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
    [
      'an iSCSI read command',
      Uint8Array.from(
        '01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000'.match(
          /../g,
        )!,
        (hex) => parseInt(hex, 16),
      ),
      0xd9963a56,
    ],
  ])('of %s is the published one', (_, bytes, crc) => {
    expect(crc32c(bytes)).toBe(crc);
  });

  it('is the definition for every length up to 300, wherever the bytes begin', () => {
    const bytes = noise(320);
    for (let length = 0; length <= 300; length++) {
      for (let start = 0; start < 17; start += 1 + (length % 3)) {
        const piece = bytes.subarray(start, start + length);
        if (crc32c(piece) !== crc32cByBits(piece))
          expect.fail(`wrong for ${length} bytes from ${start}`);
      }
    }
  });

  it('is the definition around every border of the fold and of the pieces', () => {
    const bytes = noise(200_100);
    const expected = new Map<number, number>();
    let crc = 0;
    const lengths = [
      ...Array.from({ length: 400 }, (_, index) => 450 + index),
      4096,
      16384,
      65535,
      65536,
      65537,
      65536 + 511,
      65536 + 512,
      131072,
      200_100,
    ];
    for (let at = 0, index = 0; index < lengths.length; index++) {
      crc = crc32cByBits(bytes.subarray(at, lengths[index]), crc);
      expected.set((at = lengths[index]!), crc);
    }
    for (const [length, right] of expected)
      if (crc32c(bytes.subarray(0, length)) !== right) expect.fail(`wrong for ${length} bytes`);
  });

  it('goes on from a seed', () => {
    const bytes = noise(9000);
    const whole = crc32c(bytes);
    fc.assert(
      fc.property(fc.nat({ max: 9000 }), fc.nat({ max: 9000 }), (one, other) => {
        const [first, second] = one < other ? [one, other] : [other, one];
        const chained = crc32c(
          bytes.subarray(second),
          crc32c(bytes.subarray(first, second), crc32c(bytes.subarray(0, first))),
        );
        expect(chained).toBe(whole);
      }),
    );
  });

  it('does not remember what it summed before', () => {
    const bytes = noise(70_000);
    const [long, short] = [crc32c(bytes), crc32c(bytes.subarray(0, 700))];
    expect([crc32c(bytes), crc32c(bytes.subarray(0, 700))]).toEqual([long, short]);
  });
});

it('a host whose WebAssembly has no SIMD gets the JavaScript one', () => {
  expect(
    createWasmCrc32c({
      Module: WebAssembly.Module,
      Instance: WebAssembly.Instance,
      validate: () => false,
    }),
  ).toBe(crc32cJs);
});
