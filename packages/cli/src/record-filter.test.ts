import { describe, expect, it } from 'vitest';
import { utf8Encode } from '@odradek/protocol';
import { recordFilter } from './record-filter.ts';
import type { FilterOptions } from './record-filter.ts';

const order = {
  total: 120.5,
  user: { id: 5, name: 'Ann' },
  items: [{ sku: 'x7' }, { sku: 'y1' }],
  'odd.key': true,
};
const record = {
  partition: 0,
  offset: 0,
  timestampMs: 0,
  key: utf8Encode('order-17'),
  value: utf8Encode(JSON.stringify(order)),
  headers: [
    { key: 'source', value: utf8Encode('web') },
    { key: 'empty', value: null },
  ],
};

const matches = (options: FilterOptions, it = record): boolean => recordFilter(options)!(it);

describe('a filter', () => {
  it('is none when nothing is asked for', () => {
    expect(recordFilter({})).toBeUndefined();
  });

  it.each<[FilterOptions, boolean]>([
    [{ key: 'order' }, true],
    [{ key: '/^order-\\d+$/' }, true],
    [{ key: '/^ORDER/' }, false],
    [{ key: '/^ORDER/i' }, true],
    [{ value: '"Ann"' }, true],
    [{ value: 'Bob' }, false],
    [{ header: ['source'] }, true],
    [{ header: ['source=web'] }, true],
    [{ header: ['source=we'] }, false],
    [{ header: ['empty'] }, true],
    [{ header: ['empty='] }, false],
    [{ header: ['source=web', 'none'] }, false],
    [{ key: 'order', value: 'Bob' }, false],
  ])('%j: %s', (options, expected) => {
    expect(matches(options)).toBe(expected);
  });

  it.each([
    ['user.id=5', true],
    ['user.id=6', false],
    ['user.id!=6', true],
    ['user.id!=5', false],
    ['user.name=Ann', true],
    ['user.name="Ann"', true],
    ['$.user.name ~ /^a/i', true],
    ['user.name~nn', true],
    ['total>=120.5', true],
    ['total>121', false],
    ['total < 121', true],
    ['total<=1', false],
    ['items[0].sku=x7', true],
    ['items[1].sku=x7', false],
    ['items[*].sku=y1', true],
    ['items[*].sku!=y1', false],
    ['nothing.here=1', false],
    ['user={"id":5,"name":"Ann"}', true],
    ['user.name>Al', true],
  ])('--where %s: %s', (where, expected) => {
    expect(matches({ where: [where] })).toBe(expected);
  });

  it('passes over what is not there, and what is no JSON', () => {
    const bare = { ...record, key: null, value: null };
    for (const options of [{ key: 'a' }, { value: 'a' }, { where: ['a=1'] }])
      expect(matches(options, bare as never)).toBe(false);
    expect(matches({ where: ['a=1'] }, { ...record, value: utf8Encode('no json') })).toBe(false);
    expect(matches({ where: ['a!=1'] }, { ...record, value: Uint8Array.of(0xff) })).toBe(false);
  });

  it.each([
    [{ where: ['nonsense'] }, 'write it as path=value'],
    [{ where: ['$=1'] }, 'the path is empty'],
    [{ key: '/(/' }, 'is not a regular expression'],
  ])('%j is refused', (options, reason) => {
    expect(() => recordFilter(options)).toThrow(reason);
  });
});
