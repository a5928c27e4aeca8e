import { describe, expect, it } from 'vitest';
import { utf8Encode } from '@odradek/protocol';
import { recordFormat } from './record-format.ts';
import type { FormatOptions } from './record-format.ts';

const record = {
  partition: 3,
  offset: 42,
  timestampMs: Date.parse('2026-01-31T12:00:00Z'),
  key: utf8Encode('k'),
  value: utf8Encode('a \u001b[31mvalue'),
  headers: [
    { key: 'one', value: utf8Encode('1') },
    { key: 'two', value: null },
  ],
};

function shown(options: FormatOptions, { isTerminal = false, it = record as object } = {}): string {
  const format = recordFormat('t', options, isTerminal);
  const parts = [0, 1].flatMap((index) => format.record({ ...record, ...it }, index === 0));
  return format.begin + Buffer.concat(parts).toString() + format.end;
}

describe('a format', () => {
  it('prints values as they are, but nothing that steers a terminal', () => {
    expect(shown({})).toBe('a \u001b[31mvalue\n'.repeat(2));
    expect(shown({}, { isTerminal: true })).toBe('a ^[[31mvalue\n'.repeat(2));
    expect(shown({ keySeparator: '=' }, { it: { value: null } })).toBe('k=\nk=\n');
  });

  it('prints one JSON document, or an object a line', () => {
    const lines = shown({ format: 'ndjson' }).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { topic: 't', partition: 3, offset: 42, key: 'k' },
      { topic: 't' },
    ]);
    expect(shown({ json: true })).toBe(shown({ format: 'ndjson' }));
    expect(JSON.parse(shown({ format: 'json' }))).toHaveLength(2);
    const { begin, end } = recordFormat('t', { format: 'json' }, false);
    expect(JSON.parse(begin + end)).toEqual([]);
  });

  it('fills percent signs as kcat and rpk do', () => {
    const [first] = shown({
      format: '%t-%p@%o %k=%s|%v [%h] %T %D %K %S 100%%\\t\\x41\\n',
    }).split('\n');
    expect(first).toBe(
      't-3@42 k=a \u001b[31mvalue|a \u001b[31mvalue [one=1,two=] 1769860800000 2026-01-31T12:00:00.000Z 1 12 100%\tA',
    );
    const empty = { it: { key: null, value: null, headers: [], timestampMs: -1 } };
    expect(shown({ format: '%k%v%K,%S,%h,%D;' }, empty)).toBe('-1,-1,,-;'.repeat(2));
  });

  it('shows bytes as hexdump does', () => {
    const it = { key: null, value: Uint8Array.from({ length: 17 }, (_, n) => n + 60) };
    expect(shown({ format: 'hex' }, { it })).toContain(
      [
        't-3@42 2026-01-31T12:00:00.000Z',
        ' header "one" (1 bytes)',
        '  00000000  31                                               |1|',
        ' header "two" null',
        ' key null',
        ' value (17 bytes)',
        '  00000000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  |<=>?@ABCDEFGHIJK|',
        '  00000010  4c                                               |L|',
        '',
        '',
      ].join('\n'),
    );
  });

  it.each<[FormatOptions, string]>([
    [{ format: 'xml' }, 'is none of text, json, ndjson, hex, and has no %'],
    [{ format: '%q' }, '%q is none of %t'],
    [{ format: 'end%' }, '% is none of %t'],
    [{ format: 'hex', json: true }, '--json is --format ndjson'],
    [{ format: 'json', keySeparator: ':' }, '--key-separator is for --format text'],
  ])('%j is refused', (options, reason) => {
    expect(() => recordFormat('t', options, false)).toThrow(reason);
  });
});
