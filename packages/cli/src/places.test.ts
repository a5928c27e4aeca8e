import { describe, expect, it } from 'vitest';
import { place, placeAt } from './places.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');

describe('a place', () => {
  it.each([
    ['earliest', { at: 'earliest' }],
    ['beginning', { at: 'earliest' }],
    ['latest', { at: 'latest' }],
    ['end', { at: 'latest' }],
    ['17', { offset: 17 }],
    ['-5', { offset: -5 }],
    ['@1700000000000', { timestampMs: 1_700_000_000_000 }],
    ['2026-01-31T12:00Z', { timestampMs: Date.parse('2026-01-31T12:00Z') }],
    ['10m ago', { timestampMs: NOW - 600_000 }],
    ['1h30m', { timestampMs: NOW - 5_400_000 }],
    ['2 d ago', { timestampMs: NOW - 172_800_000 }],
    ['500ms', { timestampMs: NOW - 500 }],
  ])('%s is understood', (text, expected) => {
    expect(placeAt(place(text), NOW)).toEqual(expected);
  });

  it.each(['', 'yesterday', '10x ago', '1.5', '12:00', 'ago', '5 apples'])(
    '%j is refused with what there is',
    (text) => {
      expect(() => place(text)).toThrow('It is none of earliest, latest');
    },
  );
});
