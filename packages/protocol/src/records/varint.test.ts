import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordCursor, varintBytes, varlongBytes, writeVarint, writeVarlong } from './varint.ts';

const int32 = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, -1, 63, 64, -64, -65, 8191, 8192, 2147483647, -2147483648),
);
const safeInteger = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.constantFrom(
    2 ** 27,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 34 - 1,
    -(2 ** 34),
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
  ),
);

/** The definition, in 64-bit integers. */
function zigzagBytes(value: bigint): number[] {
  let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; zigzag > 127n; zigzag >>= 7n) bytes.push(Number(zigzag & 127n) | 128);
  return [...bytes, Number(zigzag)];
}

describe('varints', () => {
  it('are zigzag, seven bits a byte, and come back', () => {
    fc.assert(
      fc.property(int32, (value) => {
        const bytes = new Uint8Array(5);
        const end = writeVarint(bytes, 0, value);
        expect([...bytes.subarray(0, end)]).toEqual(zigzagBytes(BigInt(value)));
        expect(varintBytes(value)).toBe(end);
        const cursor = new RecordCursor(bytes, 0);
        expect([cursor.varint(), cursor.at]).toEqual([value, end]);
      }),
    );
  });

  it('reach every safe integer as varlongs', () => {
    fc.assert(
      fc.property(safeInteger, (value) => {
        const bytes = new Uint8Array(10);
        const end = writeVarlong(bytes, 0, value);
        expect([...bytes.subarray(0, end)]).toEqual(zigzagBytes(BigInt(value)));
        expect(varlongBytes(value)).toBe(end);
        const cursor = new RecordCursor(bytes, 0);
        expect([cursor.varlong(), cursor.at]).toEqual([value, end]);
      }),
    );
  });

  it('give the nearest double beyond the safe integers', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const cursor = new RecordCursor(Uint8Array.from(zigzagBytes(value)), 0);
        const read = cursor.varlong();
        if (value >= -(2n ** 53n) && value <= 2n ** 53n) expect(BigInt(read)).toBe(value);
        else expect(Math.abs(read / Number(value) - 1)).toBeLessThan(1e-15);
      }),
    );
  });

  it('that do not end are beyond every limit', () => {
    const endless = new Uint8Array(20).fill(0xff);
    const short = new RecordCursor(endless, 0);
    short.varint();
    expect(short.at).toBe(Infinity);
    const long = new RecordCursor(endless, 0);
    long.varlong();
    expect(long.at).toBe(Infinity);
  });
});
