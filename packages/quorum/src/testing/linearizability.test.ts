import { describe, expect, it } from 'vitest';
import { anomalyIn, type Observation } from './linearizability.ts';

const write = (value: string, began: number, ended?: number, offset?: number): Observation => ({
  kind: 'write',
  path: '/a',
  value,
  began,
  ended,
  offset,
});
const read = (
  value: string | undefined,
  modifiedAt: number,
  upTo: number,
  began: number,
  ended: number,
): Observation => ({ kind: 'read', path: '/a', value, modifiedAt, upTo, began, ended });

describe('a history of the tree', () => {
  it('is linearizable when everybody saw what came before', () => {
    expect(
      anomalyIn([
        write('1', 0, 3, 5),
        read(undefined, -1, 5, 1, 2),
        read('1', 5, 6, 4, 5),
        write('2', 6, 9, 7),
        read('1', 5, 7, 7, 8),
        read('2', 7, 9, 10, 11),
      ]),
    ).toBeUndefined();
  });

  it('is not with a stale read, a lost write, or a value out of nowhere', () => {
    expect(anomalyIn([write('1', 0, 1, 5), read(undefined, -1, 5, 2, 3)])).toMatch(/after/);
    expect(anomalyIn([read('1', 5, 8, 2, 3), read('1', 5, 6, 4, 5), write('1', 0, 1, 5)])).toMatch(
      /after/,
    );
    expect(anomalyIn([write('1', 0, 1, 5), write('2', 2, 3, 7), read('1', 5, 9, 4, 5)])).toMatch(
      /passed over/,
    );
    expect(anomalyIn([write('1', 0, 1, 5), read('2', 5, 6, 2, 3)])).toMatch(/nobody/);
    expect(anomalyIn([write('1', 0, 1, 5), write('2', 0, 1, 5)])).toMatch(/two writes/);
    expect(anomalyIn([write('1', 0, 1, 5), write('2', 2, 3, 4)])).toMatch(/after/);
  });

  it('may hold writes of which nobody knows what became', () => {
    expect(anomalyIn([write('1', 0), read('1', 5, 6, 3, 4)])).toBeUndefined();
    expect(anomalyIn([write('1', 0), read(undefined, -1, 6, 3, 4)])).toBeUndefined();
  });
});
