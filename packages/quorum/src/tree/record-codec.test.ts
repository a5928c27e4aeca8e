import fc from 'fast-check';
import { utf8Encode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { QuorumError } from '../errors.ts';
import { sessionId } from './node.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import type { TreeRecord } from './record.ts';

const text = fc.string({ minLength: 1, maxLength: 20 }).map((it) => `/${it}`);
const value = fc.uint8Array({ maxLength: 3000 });
const session = fc.nat({ max: Number.MAX_SAFE_INTEGER }).map(sessionId);
const record: fc.Arbitrary<TreeRecord> = fc.oneof(
  fc.record({
    type: fc.constant('nodeCreated' as const),
    path: text,
    value,
    ephemeralOwner: fc.option(session),
  }),
  fc.record({ type: fc.constant('nodeChanged' as const), path: text, value }),
  fc.record({ type: fc.constant('nodeDeleted' as const), path: text }),
  fc.record({ type: fc.constant('sessionOpened' as const), timeoutMs: fc.nat() }),
  fc.record({
    type: fc.constant('sessionClosed' as const),
    sessionId: session,
    end: fc.constantFrom('closed' as const, 'expired' as const),
  }),
  fc.constant({ type: 'noOp' as const }),
);

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const kindOf = (bytes: Uint8Array): string | undefined => {
  try {
    decodeRecord(bytes, 'the record');
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(QuorumError);
    return (error as QuorumError).kind;
  }
};

describe('records as bytes', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(
        record,
        (it) => void expect(decodeRecord(encodeRecord(it), 'a record')).toEqual(it),
      ),
    );
  });

  it('are laid out so for ever', () => {
    const value = utf8Encode('v');
    const owner = sessionId(7);
    expect(
      hex(encodeRecord({ type: 'nodeCreated', path: '/a', value, ephemeralOwner: null })),
    ).toBe('6f0100032f61027600');
    expect(
      hex(encodeRecord({ type: 'nodeCreated', path: '/a', value, ephemeralOwner: owner })),
    ).toBe('6f0100032f610276010008' + '0000000000000007');
    expect(hex(encodeRecord({ type: 'nodeChanged', path: '/a', value }))).toBe(
      '6f0200032f61027600',
    );
    expect(hex(encodeRecord({ type: 'nodeDeleted', path: '/a' }))).toBe('6f0300032f6100');
    expect(hex(encodeRecord({ type: 'sessionOpened', timeoutMs: 6000 }))).toBe('6f04000000177000');
    expect(hex(encodeRecord({ type: 'sessionClosed', sessionId: owner, end: 'expired' }))).toBe(
      '6f050000000000000000070100',
    );
    expect(hex(encodeRecord({ type: 'noOp' }))).toBe('6f060000');
  });

  it('of a type, version or frame that is not known are not passed over', () => {
    expect(kindOf(Uint8Array.of(0x6f, 7, 0, 0))).toBe('unknownRecord');
    expect(kindOf(Uint8Array.of(0x6f, 6, 1, 0))).toBe('unknownRecord');
    // Kafka's own frame.
    expect(kindOf(Uint8Array.of(1, 6, 0, 0))).toBe('unknownRecord');
    expect(() => decodeRecord(Uint8Array.of(0x6f, 7, 0, 0), 'the record at offset 12')).toThrow(
      /offset 12 is of type 7, version 0/,
    );
  });

  it('that are not whole are corrupt', () => {
    expect(kindOf(new Uint8Array(0))).toBe('corrupt');
    const bytes = encodeRecord({ type: 'nodeDeleted', path: '/a' });
    expect(kindOf(bytes.subarray(0, -1))).toBe('corrupt');
    expect(kindOf(Uint8Array.of(...bytes, 0))).toBe('corrupt');
    expect(kindOf(Uint8Array.of(0x6f, 5, 0, ...new Uint8Array(8), 2, 0))).toBe('corrupt');
  });

  it('never fail in another way, whatever the bytes', () => {
    fc.assert(
      fc.property(record, fc.nat(), fc.nat(255), (it, at, byte) => {
        const bytes = encodeRecord(it).slice();
        bytes[at % bytes.length] = byte;
        kindOf(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it('keep nothing of the bytes that they were read from', () => {
    const bytes = encodeRecord({ type: 'nodeChanged', path: '/a', value: utf8Encode('value') });
    const read = decodeRecord(bytes, 'a record');
    bytes.fill(0);
    expect(read).toEqual({ type: 'nodeChanged', path: '/a', value: utf8Encode('value') });
  });
});
