import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32cJs } from '../crc32c/index.ts';
import { ErrorCode } from '../error-codes.ts';
import { offset } from '../ids.ts';
import { BatchView } from './batch-view.ts';
import { buildBatch } from './build-batch.ts';
import type { BatchInput, RecordInput } from './build-batch.ts';
import { endTxnMarker } from './control-records.ts';
import { recordsIn } from './records-in.ts';
import { setCrc } from './stamps.ts';
import { RECORD_ERRORS_MAX, validateBatch } from './validate-batch.ts';
import type { ValidationOptions } from './validate-batch.ts';
import { writeVarint } from './varint.ts';

const {
  CORRUPT_MESSAGE,
  MESSAGE_TOO_LARGE,
  INVALID_TIMESTAMP,
  UNSUPPORTED_COMPRESSION_TYPE,
  INVALID_RECORD,
} = ErrorCode;

const key = Uint8Array.of(1);
const three: RecordInput[] = [
  { timestampMs: 1000, key, value: new Uint8Array(5) },
  { timestampMs: 3000, key, headers: [{ key: 'h', value: null }] },
  {
    timestampMs: 3000,
    key,
    value: new Uint8Array(200),
    headers: [
      { key: 'a', value: key },
      { key: '', value: key },
    ],
  },
];

function batchOf(
  records: readonly RecordInput[] = three,
  more: Partial<BatchInput> = {},
): BatchView {
  return new BatchView(buildBatch({ records, crc32c: crc32cJs, ...more }));
}

/** A batch with something written into it, and a checksum that says it was meant. */
function altered(batch: BatchView, alter: (view: DataView) => void): BatchView {
  alter(new DataView(batch.bytes.buffer));
  setCrc(batch, crc32cJs);
  return batch;
}

function check(batch: BatchView, options: Partial<ValidationOptions> = {}) {
  return validateBatch(batch, { crc32c: crc32cJs, limitBytes: 1 << 20, ...options });
}

function refusal(batch: BatchView, options: Partial<ValidationOptions> = {}) {
  const outcome = check(batch, options);
  return outcome.ok ? 'taken' : outcome.errorCode;
}

describe('a producer batch', () => {
  it('is taken, and the first record with the largest time is named', () => {
    expect(check(batchOf())).toEqual({
      ok: true,
      maxTimestampMs: 3000,
      maxTimestampOffsetDelta: 1,
      payloadBytes: expect.any(Number),
    });
  });

  it('may have records without a time', () => {
    const outcome = check(batchOf([{ timestampMs: -1 }, { timestampMs: -1 }]), {
      timestampMinMs: 500,
      timestampMaxMs: 600,
    });
    expect(outcome).toMatchObject({ ok: true, maxTimestampMs: -1, maxTimestampOffsetDelta: -1 });
  });

  it('with a wrong max timestamp in its header is taken, for the log to correct', () => {
    const batch = altered(batchOf(), (view) => view.setBigInt64(35, 99n));
    expect(check(batch)).toMatchObject({ ok: true, maxTimestampMs: 3000 });
  });

  it('is corrupt when its checksum or its length says so', () => {
    const flipped = batchOf();
    flipped.bytes[70]! ^= 1;
    expect(refusal(flipped)).toBe(CORRUPT_MESSAGE);
    const long = batchOf();
    new DataView(long.bytes.buffer).setInt32(8, long.bytes.length);
    expect(refusal(long)).toBe(CORRUPT_MESSAGE);
    const negative = batchOf();
    new DataView(negative.bytes.buffer).setInt32(8, -5);
    expect(refusal(negative)).toBe(CORRUPT_MESSAGE);
  });

  it.each<[string, number, (view: DataView) => void]>([
    ['magic 1', INVALID_RECORD, (view) => view.setInt8(16, 1)],
    ['magic 3', INVALID_RECORD, (view) => view.setInt8(16, 3)],
    ['a count of none', INVALID_RECORD, (view) => view.setInt32(57, 0)],
    ['a negative count', INVALID_RECORD, (view) => view.setInt32(57, -3)],
    ['a last offset delta that is not count - 1', INVALID_RECORD, (view) => view.setInt32(23, 3)],
    [
      'a count and delta beyond its records',
      INVALID_RECORD,
      (view) => (view.setInt32(57, 4), view.setInt32(23, 3)),
    ],
    [
      'a count and delta short of its records',
      INVALID_RECORD,
      (view) => (view.setInt32(57, 2), view.setInt32(23, 1)),
    ],
    ['a base offset other than 0', INVALID_RECORD, (view) => view.setBigInt64(0, 5n)],
    ['the control bit', INVALID_RECORD, (view) => view.setInt16(21, 0x20)],
    ['the transactional bit and no producer', INVALID_RECORD, (view) => view.setInt16(21, 0x10)],
    [
      'a producer and no sequence',
      INVALID_RECORD,
      (view) => (view.setBigInt64(43, 5n), view.setInt16(51, 0)),
    ],
    [
      'a producer and no epoch',
      INVALID_RECORD,
      (view) => (view.setBigInt64(43, 5n), view.setInt32(53, 0)),
    ],
    [
      'a producer id beyond exact numbers',
      INVALID_RECORD,
      (view) => view.setBigInt64(43, 2n ** 60n),
    ],
    ['LogAppendTime set by the producer', INVALID_TIMESTAMP, (view) => view.setInt16(21, 0x08)],
    [
      'a base timestamp beyond exact numbers',
      INVALID_TIMESTAMP,
      (view) => view.setBigInt64(27, 2n ** 60n),
    ],
    ['an unknown codec', UNSUPPORTED_COMPRESSION_TYPE, (view) => view.setInt16(21, 5)],
  ])('with %s is refused', (_, errorCode, alter) => {
    expect(refusal(altered(batchOf(), alter))).toBe(errorCode);
  });

  it('of an idempotent or transactional producer is taken', () => {
    expect(refusal(batchOf(three, { producerId: 5, producerEpoch: 0, baseSequence: 0 }))).toBe(
      'taken',
    );
    expect(
      refusal(
        batchOf(three, { producerId: 5, producerEpoch: 0, baseSequence: 0, isTransactional: true }),
      ),
    ).toBe('taken');
  });

  it('of kafkajs, which names epoch and sequence 0 and no producer, is taken', () => {
    expect(refusal(batchOf(three, { producerEpoch: 0, baseSequence: 0 }))).toBe('taken');
  });
});

describe('a coordinator', () => {
  it('may write markers and start anywhere', () => {
    const marker = batchOf([endTxnMarker('commit', 3, 1000)], {
      baseOffset: offset(50),
      producerId: 5,
      producerEpoch: 1,
      isTransactional: true,
      isControl: true,
    });
    expect(refusal(marker, { origin: 'coordinator' })).toBe('taken');
    expect(refusal(marker)).toBe(INVALID_RECORD);
  });
});

describe('records that are well formed and not wanted', () => {
  it('without a key in a compacted topic are named each', () => {
    const outcome = check(
      batchOf([
        { timestampMs: 1, key },
        { timestampMs: 1 },
        { timestampMs: 1, key: null, value: key },
      ]),
      { requireKeys: true },
    );
    expect(outcome).toMatchObject({
      ok: false,
      errorCode: INVALID_RECORD,
      recordErrors: [{ batchIndex: 1 }, { batchIndex: 2 }],
    });
    expect(
      refusal(batchOf([{ timestampMs: 1, key: new Uint8Array() }]), { requireKeys: true }),
    ).toBe('taken');
  });

  it('outside of the times that are let in are named each', () => {
    const bounds = { timestampMinMs: 1000, timestampMaxMs: 2000 };
    expect(check(batchOf(), bounds)).toMatchObject({
      ok: false,
      errorCode: INVALID_TIMESTAMP,
      recordErrors: [{ batchIndex: 1 }, { batchIndex: 2 }],
    });
    expect(refusal(batchOf(), { timestampMinMs: 1000, timestampMaxMs: 3000 })).toBe('taken');
    expect(refusal(batchOf(), { timestampMinMs: 1001 })).toBe(INVALID_TIMESTAMP);
    expect(refusal(batchOf(), { ...bounds, isLogAppendTime: true })).toBe('taken');
  });

  it('with both kinds of fault are answered with INVALID_TIMESTAMP, as Kafka does', () => {
    const outcome = check(batchOf([{ timestampMs: 1 }, { timestampMs: 9, key }]), {
      requireKeys: true,
      timestampMaxMs: 5,
    });
    expect(outcome).toMatchObject({
      errorCode: INVALID_TIMESTAMP,
      recordErrors: [{ batchIndex: 0 }, { batchIndex: 1 }],
    });
  });

  it('are counted all and named up to a bound', () => {
    const outcome = check(batchOf(Array.from({ length: 5000 }, () => ({ timestampMs: 1 }))), {
      requireKeys: true,
    });
    expect(outcome.ok ? [] : outcome.recordErrors).toHaveLength(RECORD_ERRORS_MAX);
    expect(outcome).toMatchObject({ message: expect.stringContaining('5000') });
  });
});

describe('a record whose framing lies', () => {
  // One record by hand: size, attributes, timestamp delta, offset delta, key length, value length, header count.
  const withRecord = (...body: number[]) => {
    const batch = new Uint8Array(batchOf([{ timestampMs: 0 }]).bytes.length - 7 + body.length);
    batch.set(batchOf([{ timestampMs: 0 }]).bytes.subarray(0, 61));
    batch.set(body, 61);
    new DataView(batch.buffer).setInt32(8, batch.length - 12);
    const view = new BatchView(batch);
    setCrc(view, crc32cJs);
    return view;
  };
  const zig = (value: number) => {
    const bytes = new Uint8Array(5);
    return [...bytes.subarray(0, writeVarint(bytes, 0, value))];
  };

  it('is taken when it does not', () => {
    expect(refusal(withRecord(...zig(6), 0, 0, 0, ...zig(-1), ...zig(-1), 0))).toBe('taken');
  });

  it.each<[string, number[]]>([
    ['a size beyond the batch', [...zig(7), 0, 0, 0, ...zig(-1), ...zig(-1), 0]],
    ['a size short of itself', [...zig(5), 0, 0, 0, ...zig(-1), ...zig(-1), 0]],
    ['a negative size', [...zig(-1), 0, 0, 0, ...zig(-1), ...zig(-1), 0]],
    ['an empty body', [...zig(0)]],
    ['an offset delta out of turn', [...zig(6), 0, 0, ...zig(1), ...zig(-1), ...zig(-1), 0]],
    ['a key longer than the record', [...zig(6), 0, 0, 0, ...zig(2), ...zig(-1), 0]],
    ['a key of 2 GiB', [...zig(10), 0, 0, 0, ...zig(2147483647), ...zig(-1), 0]],
    ['a key length of -2', [...zig(6), 0, 0, 0, ...zig(-2), ...zig(-1), 0]],
    ['a value longer than the record', [...zig(6), 0, 0, 0, ...zig(-1), ...zig(1), 0]],
    ['a value length of -2', [...zig(6), 0, 0, 0, ...zig(-1), ...zig(-2), 0]],
    ['a header count beyond the bytes', [...zig(6), 0, 0, 0, ...zig(-1), ...zig(-1), ...zig(1)]],
    ['a negative header count', [...zig(6), 0, 0, 0, ...zig(-1), ...zig(-1), ...zig(-1)]],
    [
      'a header without a key',
      [...zig(8), 0, 0, 0, ...zig(-1), ...zig(-1), ...zig(1), ...zig(-1), ...zig(-1)],
    ],
    [
      'a header value beyond the record',
      [...zig(8), 0, 0, 0, ...zig(-1), ...zig(-1), ...zig(1), 0, ...zig(1)],
    ],
    [
      'an endless number',
      [...zig(15), 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],
    ],
    ['a number cut by the end', [...zig(2), 0, 255]],
    ['bytes behind the last record', [...zig(6), 0, 0, 0, ...zig(-1), ...zig(-1), 0, 7]],
  ])('(%s) is refused', (_, body) => {
    const batch = withRecord(...body);
    expect(refusal(batch)).toBe(INVALID_RECORD);
    // Reading is more tolerant than taking, in offsets and negative lengths alone.
    if (!/out of turn|-2/.test(_))
      expect(() => [...recordsIn(batch)].map((record) => record.headers)).toThrow(
        expect.objectContaining({ name: 'MalformedBatch' }),
      );
  });

  it('with a time beyond exact numbers is refused as a bad time', () => {
    const delta = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    expect(refusal(withRecord(...zig(14), 0, ...delta, 0, ...zig(-1), ...zig(-1), 0))).toBe(
      INVALID_TIMESTAMP,
    );
    expect(
      refusal(withRecord(...zig(14), 0, ...delta, 0, ...zig(-1), ...zig(-1), 0), {
        isLogAppendTime: true,
      }),
    ).toBe('taken');
  });
});

describe('a compressed batch', () => {
  const rot = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x55);
  const compress = {
    codec: 'zstd' as const,
    compress: (_: string, bytes: Uint8Array) => rot(bytes),
  };

  it('is judged by what is in it', () => {
    const decompress = (_: string, bytes: Uint8Array) => rot(bytes);
    expect(refusal(batchOf(three, { compress }), { decompress })).toBe('taken');
    expect(
      refusal(batchOf([{ timestampMs: 1 }], { compress }), { decompress, requireKeys: true }),
    ).toBe(INVALID_RECORD);
    expect(
      refusal(batchOf(three, { compress }), { decompress: (_, bytes) => rot(bytes).subarray(1) }),
    ).toBe(INVALID_RECORD);
  });

  it('that cannot be decompressed is invalid; too large a one is too large', () => {
    const failing = (error: Error) => ({
      decompress: () => {
        throw error;
      },
    });
    expect(refusal(batchOf(three, { compress }), failing(new Error('bad block')))).toBe(
      INVALID_RECORD,
    );
    expect(
      refusal(
        batchOf(three, { compress }),
        failing(Object.assign(new Error('more'), { kind: 'tooLarge' })),
      ),
    ).toBe(MESSAGE_TOO_LARGE);
  });
});

describe('whatever the bytes', () => {
  const good = batchOf(three).bytes;

  it('a mutated batch is taken or refused, and what is taken can be read', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 6,
        }),
        (changes) => {
          const bytes = good.slice();
          for (const [at, value] of changes) bytes[at] = value;
          const batch = new BatchView(bytes);
          if (batch.sizeBytes >= 61 && batch.sizeBytes <= bytes.length) setCrc(batch, crc32cJs);
          const outcome = check(batch, {
            decompress: (_, payload) => payload,
            origin: 'coordinator',
          });
          if (!outcome.ok) return;
          const records = [...recordsIn(batch, (_, payload) => payload)];
          for (const record of records) void [record.key, record.value, record.headers];
          expect(records).toHaveLength(batch.recordCount);
        },
      ),
      { numRuns: 20_000 },
    );
  });

  it('a random payload under a true header is taken or refused', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.integer({ min: 1, max: 4 }),
        (payload, count) => {
          const bytes = new Uint8Array(61 + payload.length);
          bytes.set(good.subarray(0, 61));
          bytes.set(payload, 61);
          const batch = altered(new BatchView(bytes), (view) => {
            view.setInt32(8, bytes.length - 12);
            view.setInt32(57, count);
            view.setInt32(23, count - 1);
          });
          expect(['taken', INVALID_RECORD, INVALID_TIMESTAMP]).toContain(refusal(batch));
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
