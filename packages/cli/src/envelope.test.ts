import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { envelopeOf, recordOf } from './envelope.ts';

const bytes = () => fc.uint8Array({ maxLength: 20 });
const nullable = () => fc.option(bytes(), { nil: null });

describe('an envelope', () => {
  it('goes in again as it came out: key, value, headers and time, whatever the bytes', () => {
    fc.assert(
      fc.property(
        nullable(),
        nullable(),
        fc.array(fc.record({ key: fc.string(), value: nullable() }), { maxLength: 3 }),
        fc.nat(),
        (key, value, headers, timestampMs) => {
          const record = { partition: 1, offset: 2, timestampMs, key, value, headers };
          const again = recordOf(JSON.stringify(envelopeOf('t', record)));
          const plain = (it: Uint8Array | null | undefined) => (it ? [...it] : null);
          expect(plain(again.key)).toEqual(plain(key));
          expect(plain(again.value)).toEqual(plain(value));
          expect(again.timestampMs).toBe(timestampMs);
          expect((again.headers ?? []).map((it) => [it.key, plain(it.value)])).toEqual(
            headers.map((it) => [it.key, plain(it.value)]),
          );
        },
      ),
    );
  });

  it('may be written by hand: any JSON as value, headers as an object', () => {
    const { key, value, headers } = recordOf('{"key":7,"value":{"a":[1]},"headers":{"h":"x"}}');
    expect(Buffer.from(key!).toString()).toBe('7');
    expect(Buffer.from(value!).toString()).toBe('{"a":[1]}');
    expect(headers).toEqual([{ key: 'h', value: new TextEncoder().encode('x') }]);
  });

  it.each([
    ['{', 'it is not JSON'],
    ['[1]', 'it is not a JSON object'],
    ['{"key":"a"}', 'it has neither value nor valueBase64'],
    ['{"value":"a","timestamp":"now"}', 'timestamp is not a number'],
    ['{"value":"a","headers":[1]}', 'a header has no name'],
    ['{"value":"a","headers":1}', 'headers are neither'],
  ])('%s is refused: %s', (json, reason) => {
    expect(() => recordOf(json)).toThrow(reason);
  });
});
