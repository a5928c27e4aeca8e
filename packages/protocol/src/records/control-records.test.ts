import { describe, expect, it } from 'vitest';
import { endTxnMarker, parseEndTxnMarker } from './control-records.ts';
import { MalformedBatch } from './malformed-batch.ts';

describe('a transaction marker', () => {
  it("is Kafka's, byte for byte", () => {
    expect(endTxnMarker('commit', 0x01020304, 7)).toEqual({
      timestampMs: 7,
      key: Uint8Array.of(0, 0, 0, 1),
      value: Uint8Array.of(0, 0, 1, 2, 3, 4),
    });
    expect(endTxnMarker('abort', 0, 7).key).toEqual(Uint8Array.of(0, 0, 0, 0));
  });

  it('is read, of a newer version too', () => {
    expect(
      parseEndTxnMarker({ key: Uint8Array.of(0, 0, 0, 0), value: Uint8Array.of(0, 0, 0, 0, 0, 5) }),
    ).toEqual({ kind: 'abort', coordinatorEpoch: 5 });
    expect(
      parseEndTxnMarker({
        key: Uint8Array.of(0, 1, 0, 1, 9),
        value: Uint8Array.of(0, 3, 0, 0, 0, 5, 9, 9),
      }),
    ).toEqual({ kind: 'commit', coordinatorEpoch: 5 });
  });

  it('is not what other control records are', () => {
    expect(parseEndTxnMarker({ key: Uint8Array.of(0, 0, 0, 2), value: null })).toBeUndefined();
  });

  it.each([
    [null, Uint8Array.of(0, 0, 0, 0, 0, 5)],
    [Uint8Array.of(0, 0, 0), Uint8Array.of(0, 0, 0, 0, 0, 5)],
    [Uint8Array.of(255, 255, 0, 0), Uint8Array.of(0, 0, 0, 0, 0, 5)],
    [Uint8Array.of(0, 0, 0, 1), null],
    [Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0, 0, 0, 0, 0)],
    [Uint8Array.of(0, 0, 0, 1), Uint8Array.of(255, 255, 0, 0, 0, 5)],
  ])('that is cut short or corrupt is MalformedBatch', (key, value) => {
    expect(() => parseEndTxnMarker({ key, value })).toThrow(MalformedBatch);
  });
});
