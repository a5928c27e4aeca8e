import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedFrame } from './malformed-frame.ts';
import { EMPTY_ELEMENTS_MAX, Reader, SLOTS_MIN } from './reader.ts';
import { REFERENCED_BYTES_MIN, UnencodableValue, Writer } from './writer.ts';

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return Uint8Array.from(Buffer.concat(writer.finish()));
}

/** Writes, reads back, and checks that nothing is left. */
function roundTrip<T>(write: (writer: Writer) => void, read: (reader: Reader) => T): T {
  const reader = new Reader(written(write));
  const value = read(reader);
  expect(reader.bytesLeft).toBe(0);
  return value;
}

const safeInteger = fc.maxSafeInteger();

describe('numbers', () => {
  it('of fixed width are big-endian and come back', () => {
    const check = (
      arbitrary: fc.Arbitrary<number>,
      write: (writer: Writer, value: number) => void,
      read: (reader: Reader) => number,
    ): void => {
      fc.assert(
        fc.property(arbitrary, (value) => {
          expect(roundTrip((writer) => write(writer, value), read)).toBe(value);
        }),
      );
    };
    check(
      fc.integer({ min: -128, max: 127 }),
      (w, v) => w.int8(v),
      (r) => r.int8(),
    );
    check(
      fc.integer({ min: -32768, max: 32767 }),
      (w, v) => w.int16(v),
      (r) => r.int16(),
    );
    check(
      fc.integer({ min: 0, max: 65535 }),
      (w, v) => w.uint16(v),
      (r) => r.uint16(),
    );
    check(
      fc.integer(),
      (w, v) => w.int32(v),
      (r) => r.int32(),
    );
    check(
      fc.nat({ max: 0xffffffff }),
      (w, v) => w.uint32(v),
      (r) => r.uint32(),
    );
    check(
      safeInteger,
      (w, v) => w.int64(v),
      (r) => r.int64(),
    );
    check(
      fc.double(),
      (w, v) => w.float64(v),
      (r) => r.float64(),
    );
    check(
      fc.nat({ max: 0xffffffff }),
      (w, v) => w.unsignedVarint(v),
      (r) => r.unsignedVarint(),
    );
    check(
      fc.integer(),
      (w, v) => w.varint(v),
      (r) => r.varint(),
    );
    check(
      safeInteger,
      (w, v) => w.varlong(v),
      (r) => r.varlong(),
    );
  });

  it('of 64 bits have the bytes that a bigint has', () => {
    fc.assert(
      fc.property(safeInteger, (value) => {
        const expected = Buffer.alloc(8);
        expected.writeBigInt64BE(BigInt(value));
        expect(written((writer) => writer.int64(value))).toEqual(Uint8Array.from(expected));
      }),
    );
  });

  it('beyond 2^53 read as the nearest double; only the ends of int64 can be written back', () => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(0x7fff_ffff_ffff_ffffn);
    expect(new Reader(bytes).int64()).toBe(2 ** 63);
    expect(written((writer) => writer.int64(2 ** 63))).toEqual(Uint8Array.from(bytes));
    bytes.writeBigInt64BE(-0x8000_0000_0000_0000n);
    expect(new Reader(bytes).int64()).toBe(-(2 ** 63));
    expect(written((writer) => writer.int64(-(2 ** 63)))).toEqual(Uint8Array.from(bytes));
    expect(() => written((writer) => writer.int64(2 ** 54))).toThrow(UnencodableValue);
  });

  it('as varlongs are zig-zag, seven bits a byte', () => {
    const reference = (value: bigint): number[] => {
      let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
      const bytes: number[] = [];
      for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
      return [...bytes, Number(rest)];
    };
    fc.assert(
      fc.property(safeInteger, (value) => {
        expect([...written((writer) => writer.varlong(value))]).toEqual(reference(BigInt(value)));
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const read = new Reader(Uint8Array.from(reference(value))).varlong();
        expect(Math.abs(read - Number(value))).toBeLessThanOrEqual(
          Math.abs(Number(value)) / 2 ** 52,
        );
      }),
    );
  });

  it('that do not fit their type are a bug of ours', () => {
    const wrong: readonly ((writer: Writer) => void)[] = [
      (writer) => writer.int8(128),
      (writer) => writer.int16(40_000),
      (writer) => writer.uint16(-1),
      (writer) => writer.int32(2 ** 31),
      (writer) => writer.int32(0.5),
      (writer) => writer.int32(Number.NaN),
      (writer) => writer.uint32(-1),
      (writer) => writer.int64(undefined as never),
      (writer) => writer.boolean(0 as never),
      (writer) => writer.unsignedVarint(2 ** 32),
      (writer) => writer.varlong(2 ** 60),
      (writer) => writer.string('x'.repeat(32_768)),
    ];
    for (const write of wrong) expect(() => written(write)).toThrow(UnencodableValue);
  });
});

describe('varints that no writer makes', () => {
  const refuse = (bytes: number[], read: (reader: Reader) => unknown): void => {
    expect(() => read(new Reader(Uint8Array.from(bytes)))).toThrow(MalformedFrame);
  };

  it('are refused: without an end, or of too many bits', () => {
    refuse([0x80], (reader) => reader.unsignedVarint());
    refuse([0xff, 0xff, 0xff, 0xff, 0x10], (reader) => reader.unsignedVarint());
    refuse([0xff, 0xff, 0xff, 0xff, 0x8f, 0x00], (reader) => reader.unsignedVarint());
    refuse(Array<number>(11).fill(0xff), (reader) => reader.varlong());
    refuse([...Array<number>(9).fill(0xff), 0x02], (reader) => reader.varlong());
  });
});

describe('strings and bytes', () => {
  it('come back in both encodings, null apart from empty', () => {
    const text = fc.option(fc.string({ unit: 'grapheme', maxLength: 300 }));
    fc.assert(
      fc.property(text, (value) => {
        expect(
          roundTrip(
            (w) => w.nullableString(value),
            (r) => r.nullableString(),
          ),
        ).toBe(value);
        expect(
          roundTrip(
            (w) => w.compactNullableString(value),
            (r) => r.compactNullableString(),
          ),
        ).toBe(value);
      }),
    );
  });

  it('of a frame are views on it, plain ones also on a Buffer', () => {
    const frame = Buffer.from([0, 0, 0, 2, 7, 8]);
    const view = new Reader(frame).nullableBytes()!;
    expect(view.constructor).toBe(Uint8Array);
    frame[4] = 9;
    expect([...view]).toEqual([9, 8]);
  });

  it('of some size are referenced, small ones gathered', () => {
    const large = new Uint8Array(REFERENCED_BYTES_MIN).fill(1);
    const writer = new Writer();
    writer.int32(1);
    writer.raw(large);
    writer.int32(2);
    writer.raw(Uint8Array.of(3));
    writer.int32(4);
    expect(writer.length).toBe(13 + large.length);
    const [before, referenced, after, ...none] = writer.finish();
    expect([...before!]).toEqual([0, 0, 0, 1]);
    expect(referenced).toBe(large);
    expect([...after!]).toEqual([0, 0, 0, 2, 3, 0, 0, 0, 4]);
    expect(none).toEqual([]);
  });

  it('do not change in chunks that were handed out, however the scratch grows', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat({ max: 3000 }), fc.constant(-1))), (lengths) => {
        const writer = new Writer(8);
        const expected: number[] = [];
        for (const [i, length] of lengths.entries()) {
          if (length < 0) {
            writer.int64(i);
            expected.push(0, 0, 0, 0, 0, 0, i >> 8, i & 255);
          } else {
            writer.raw(new Uint8Array(length).fill(i));
            for (let k = 0; k < length; k++) expected.push(i & 255);
          }
        }
        expect(writer.length).toBe(expected.length);
        expect(Buffer.concat(writer.finish()).equals(Uint8Array.from(expected))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe('what a frame declares and does not have', () => {
  const reader = (...bytes: number[]): Reader => new Reader(Uint8Array.from(bytes));

  it('is refused before anything is made of it', () => {
    expect(() => reader(0, 9, 65).nullableString()).toThrow('9 bytes expected where 1 are left');
    expect(() => reader(0x7f, 0xff, 0xff, 0xff).nullableBytes()).toThrow(MalformedFrame);
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0x0f).compactNullableBytes()).toThrow(
      MalformedFrame,
    );
    expect(() => reader(0, 0, 0, 3, 1, 2, 3, 4, 5).arrayLength(2, 1)).toThrow(
      '3 elements of at least 2 bytes where 5 bytes are left',
    );
    expect(reader(0, 0, 0, 2, 1, 2, 3, 4, 5).arrayLength(2, 1)).toBe(2);
  });

  it('is refused when a string is longer than Kafka allows', () => {
    const bytes = written((writer) => {
      writer.unsignedVarint(40_001);
      writer.raw(new Uint8Array(40_000));
    });
    expect(() => new Reader(bytes).compactNullableString()).toThrow('a string of 40000 bytes');
  });

  it('is refused for elements that take no bytes, above a number', () => {
    const count = (n: number): Reader => new Reader(written((writer) => writer.int32(n)));
    expect(count(EMPTY_ELEMENTS_MAX).arrayLength(0, 1)).toBe(EMPTY_ELEMENTS_MAX);
    expect(() => count(EMPTY_ELEMENTS_MAX + 1).arrayLength(0, 1)).toThrow(MalformedFrame);
  });

  it('is refused when it would take more memory than a frame of that size may', () => {
    const elements = 600_000;
    const bytes = written((writer) => {
      writer.int32(elements);
      writer.raw(new Uint8Array(elements));
    });
    expect(elements).toBeGreaterThan(SLOTS_MIN);
    expect(() => new Reader(bytes).arrayLength(1, 2)).toThrow('more values than a frame');
    expect(new Reader(bytes, 4).arrayLength(1, 2)).toBe(elements);
  });

  it('is refused above what any frame may take, however large', () => {
    // 40 million bytes that are one number each; the frame itself is not even looked at.
    const frame = Buffer.alloc(40_000_004);
    frame.writeInt32BE(40_000_000);
    expect(() => new Reader(frame).arrayLength(1, 1)).toThrow('more values than a frame');
  });

  it('is told with what was read and where', () => {
    const frame = reader(0, 1);
    frame.subject = 'MetadataRequest v4';
    expect(() => frame.int32()).toThrow(
      'MetadataRequest v4: 4 bytes expected where 2 are left (byte 0 of 2)',
    );
  });

  it('cannot reach beyond a tagged field', () => {
    const frame = reader(1, 2, 3, 4);
    const outer = frame.enter(2);
    expect(() => frame.int32()).toThrow(MalformedFrame);
    frame.int8();
    expect(() => frame.leave(outer)).toThrow('1 bytes too many');
    frame.int8();
    frame.leave(outer);
    expect(frame.bytesLeft).toBe(2);
    expect(() => frame.enter(3)).toThrow(MalformedFrame);
  });
});
