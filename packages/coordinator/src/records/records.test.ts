import { MalformedFrame, ZERO_UUID } from '@odradek/protocol';
import type { Uuid } from '@odradek/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from './records.ts';
import type { CommittedOffset, CoordinatorRecord, GroupMetadata } from './records.ts';

const TIMESTAMP_MS = 1_700_000_000_000;
const offsetKey = hex('00010001670005776f72647300000003');
const groupKey = hex('0002000167');
const committed: CommittedOffset = {
  offset: 5,
  leaderEpoch: -1,
  metadata: 'm',
  commitTimestampMs: TIMESTAMP_MS,
  expireTimestampMs: -1,
  topicId: ZERO_UUID,
};
const generation: GroupMetadata = {
  protocolType: 'consumer',
  generation: 7,
  protocolName: 'range',
  leaderId: 'm-1',
  stateTimestampMs: TIMESTAMP_MS,
  members: [
    {
      memberId: 'm-1',
      groupInstanceId: 'inst',
      clientId: 'c',
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: 60_000,
      sessionTimeoutMs: 10_000,
      subscription: Uint8Array.of(1, 2),
      assignment: Uint8Array.of(3),
    },
  ],
};

/** Bytes laid out by hand from Kafka's schemas: OffsetCommitKey, OffsetCommitValue, GroupMetadataKey, GroupMetadataValue. */
const golden: readonly {
  readonly name: string;
  readonly record: CoordinatorRecord;
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}[] = [
  {
    name: 'an offset',
    record: offsetRecord({
      ...committed,
      offset: 1_234_567_890_123,
      leaderEpoch: 7,
      metadata: 'mé',
    }),
    key: offsetKey,
    value: hex('00040000011f71fb04cb00000007046dc3a90000018bcfe5680000'),
  },
  {
    name: 'an offset of a topic id',
    record: offsetRecord({
      ...committed,
      metadata: '',
      topicId: '000102030405060708090a0b0c0d0e0f' as Uuid,
    }),
    key: offsetKey,
    value: hex(
      '00040000000000000005ffffffff010000018bcfe56800010010000102030405060708090a0b0c0d0e0f',
    ),
  },
  {
    name: 'an offset with a time to expire',
    record: offsetRecord({ ...committed, expireTimestampMs: TIMESTAMP_MS + 1000 }),
    key: offsetKey,
    value: hex('0001000000000000000500016d0000018bcfe568000000018bcfe56be8'),
  },
  { name: 'no offset', record: offsetRecord(null), key: offsetKey, value: null },
  {
    name: 'a generation',
    record: { type: 'groupMetadata', groupId: 'g', value: generation },
    key: groupKey,
    value: hex(
      '00030008636f6e73756d657200000007000572616e676500036d2d310000018bcfe568000000000100036d2d310004696e7374000163000a2f3132372e302e302e310000ea60000027100000000201020000000103',
    ),
  },
  {
    name: 'an empty group',
    record: {
      type: 'groupMetadata',
      groupId: 'g',
      value: { ...generation, generation: 8, protocolName: null, leaderId: null, members: [] },
    },
    key: groupKey,
    value: hex('00030008636f6e73756d657200000008ffffffff0000018bcfe5680000000000'),
  },
  {
    name: 'no group',
    record: { type: 'groupMetadata', groupId: 'g', value: null },
    key: groupKey,
    value: null,
  },
];

describe('records of __consumer_offsets', () => {
  it.each(golden)('writes and reads $name as Kafka does', ({ record, key, value }) => {
    expect(encodeRecord(record)).toEqual({ key, value });
    expect(decodeRecord(key, value)).toEqual(record);
  });

  it.each([
    ['0', '0000000000000000000500016d0000018bcfe56800', committed],
    ['2', '0002000000000000000500016d0000018bcfe56800', committed],
    ['3', '000300000000000000050000000200016d0000018bcfe56800', { ...committed, leaderEpoch: 2 }],
  ])('reads an offset of version %s', (_, value, expected) => {
    expect(decodeRecord(offsetKey, hex(value))).toEqual(offsetRecord(expected));
    const legacyKey = offsetKey.with(1, 0);
    expect(decodeRecord(legacyKey, hex(value))).toEqual(offsetRecord(expected));
  });

  it.each([
    [
      '0, with one timeout for all',
      '00000008636f6e73756d657200000007000572616e676500036d2d310000000100036d2d31000163000168000027100000000201020000000103',
      { stateTimestampMs: -1, rebalanceTimeoutMs: 10_000 },
    ],
    [
      '4, the first that is flexible',
      '000409636f6e73756d6572000000070672616e6765046d2d310000018bcfe5680002046d2d3100026302680000ea600000271003010202030000',
      { stateTimestampMs: TIMESTAMP_MS, rebalanceTimeoutMs: 60_000 },
    ],
  ])('reads a generation of version %s', (_, value, { stateTimestampMs, rebalanceTimeoutMs }) => {
    const members = [
      { ...generation.members[0]!, groupInstanceId: null, clientHost: 'h', rebalanceTimeoutMs },
    ];
    expect(decodeRecord(groupKey, hex(value))).toEqual({
      type: 'groupMetadata',
      groupId: 'g',
      value: { ...generation, stateTimestampMs, members },
    });
  });

  it('passes over what is newer or of another kind', () => {
    expect(decodeRecord(hex('0003000167'), hex('000000'))).toMatchObject({
      type: 'unknown',
      reason: 'record key of kind 3',
    });
    expect(decodeRecord(offsetKey, hex('0005'))).toMatchObject({
      type: 'unknown',
      reason: 'OffsetCommitValue of version 5',
    });
    expect(decodeRecord(groupKey, hex('ffff'))).toMatchObject({ type: 'unknown' });
    const beyond = '0002' + '7fffffffffffffff' + '00016d' + '0000018bcfe56800';
    expect(decodeRecord(offsetKey, hex(beyond))).toMatchObject({ type: 'unknown' });
  });

  it('keeps nothing of the batch that a record was read from', () => {
    const { key, value } = golden[4]!;
    const bytes = value!.slice();
    const record = decodeRecord(key, bytes);
    bytes.fill(0);
    expect(record).toEqual(golden[4]!.record);
  });

  it('throws MalformedFrame or nothing, whatever the bytes are', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc
        .constantFrom(...golden.map(({ value }) => value ?? new Uint8Array(0)))
        .chain((value) =>
          fc
            .tuple(fc.nat(value.length), fc.integer({ min: 0, max: 255 }))
            .map(([at, byte]) => (at < value.length ? value.with(at, byte) : value.slice(0, -1))),
        ),
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.constant(offsetKey), fc.constant(groupKey), bytes),
        bytes,
        (key, value) => {
          try {
            decodeRecord(key, value);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedFrame);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('gives back what it was given', () => {
    const text = fc.string({ maxLength: 20, unit: 'grapheme' });
    const int32 = fc.integer({ min: -1, max: 0x7fffffff });
    const member = fc.record({
      memberId: text,
      groupInstanceId: fc.option(text),
      clientId: text,
      clientHost: text,
      rebalanceTimeoutMs: fc.nat(),
      sessionTimeoutMs: fc.nat(),
      subscription: fc.uint8Array({ maxLength: 2000 }),
      assignment: fc.uint8Array({ maxLength: 2000 }),
    });
    const metadata = fc.record({
      protocolType: text,
      generation: fc.nat(),
      protocolName: fc.option(text),
      leaderId: fc.option(text),
      stateTimestampMs: fc.maxSafeNat(),
      members: fc.array(member, { maxLength: 3 }),
    });
    const offset = fc.record({
      offset: fc.maxSafeInteger(),
      leaderEpoch: int32,
      metadata: text,
      commitTimestampMs: fc.maxSafeNat(),
      expireTimestampMs: fc.constant(-1),
      topicId: fc.constant(ZERO_UUID),
    });
    const record: fc.Arbitrary<CoordinatorRecord> = fc.oneof(
      fc.record({
        type: fc.constant('groupMetadata' as const),
        groupId: text,
        value: fc.option(metadata),
      }),
      fc.record({
        type: fc.constant('offsetCommit' as const),
        groupId: text,
        topic: text,
        partition: int32,
        value: fc.option(offset),
      }),
    );
    fc.assert(
      fc.property(record, (given) => {
        const { key, value } = encodeRecord(given);
        expect(decodeRecord(key, value)).toEqual(given);
      }),
    );
  });
});

function offsetRecord(value: CommittedOffset | null): CoordinatorRecord {
  return { type: 'offsetCommit', groupId: 'g', topic: 'words', partition: 3, value };
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g)!, (byte) => parseInt(byte, 16));
}
