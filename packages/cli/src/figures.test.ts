/** Numbers that are shown: percentiles, shares, rates, offsets to move to. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareOf } from './bench.ts';
import { targetOffset } from './group-reset.ts';
import { Latencies } from './latencies.ts';
import { formatBytes } from './messages.ts';
import { isChosen, parseChoices } from './partition-choice.ts';
import { ratesBetween } from './top-rates.ts';
import { readMetrics } from './top-sample.ts';

describe('latencies', () => {
  it('are values that were measured, by nearest rank', () => {
    const latencies = new Latencies();
    expect(latencies.percentiles()).toBeUndefined();
    for (let ms = 1000; ms >= 1; ms -= 1) latencies.add(ms);
    expect(latencies.percentiles()).toEqual({ p50: 500, p99: 990, p999: 999, max: 1000 });
  });

  it('of several are as if one had measured all', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1 }), fc.array(fc.nat(1000)), (a, b) => {
        const of = (samples: readonly number[]): Latencies => {
          const latencies = new Latencies();
          for (const sample of samples) latencies.add(sample);
          return latencies;
        };
        expect(Latencies.merged([of(a), of(b)]).percentiles()).toEqual(
          of([...a, ...b]).percentiles(),
        );
      }),
    );
  });

  it('keep to a limit, and the largest is never lost', () => {
    const latencies = new Latencies();
    for (let n = 0; n < 1_500_000; n += 1) latencies.add(n % 1000);
    latencies.add(5000);
    const { p50, max } = latencies.percentiles()!;
    expect(Math.abs(p50 - 500)).toBeLessThan(5);
    expect(max).toBe(5000);
  });
});

describe('shares', () => {
  it('add up, and differ by one at most', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 20 }), (total, clients) => {
        const shares = Array.from({ length: clients }, (_, index) =>
          shareOf(total, clients, index),
        );
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(total);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a reset', () => {
  const log = { currentOffset: 50, start: 10, end: 100 };
  it.each([
    [{ at: 'earliest' } as const, {}, 10],
    [{ at: 'latest' } as const, {}, 100],
    [{ offset: 70 }, {}, 70],
    [{ offset: -5 }, {}, 95],
    [{ shiftBy: -20 }, {}, 30],
    [{ shiftBy: 20 }, { currentOffset: undefined }, undefined],
    [{ timestampMs: 1 }, { found: 33 }, 33],
    [{ timestampMs: 1 }, { found: -1 }, 100],
  ])('%j of %j is at %s', (target, more, expected) => {
    expect(targetOffset(target, { ...log, ...more })).toBe(expected);
  });
});

describe('partitions', () => {
  it('are chosen by topic, or one by one', () => {
    const choices = parseChoices(['a:0,2', 'b', 'a:3', 'c', 'c:1']);
    const chosen = (topic: string): readonly number[] =>
      [0, 1, 2, 3].filter((partition) => isChosen(choices, { topic, partition }));
    expect([chosen('a'), chosen('b'), chosen('c'), chosen('d')]).toEqual([
      [0, 2, 3],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
      [],
    ]);
  });

  it.each(['', ':1', 'a:', 'a:x', 'a:1:2', 'a:-1'])('%j are refused', (text) => {
    expect(() => parseChoices([text])).toThrow('write it as topic, or topic:0,1,2');
  });
});

describe('top', () => {
  const topic = (name: string, endOffsets: number) => ({
    name,
    partitions: 1,
    endOffsets,
    sizeBytes: endOffsets * 10,
  });

  it('tells rates by second, the busiest first; what is new or began anew has none', () => {
    const before = {
      atMs: 0,
      topics: [topic('a', 10), topic('b', 10), topic('r', 99)],
      groups: [],
      brokers: [],
    };
    const now = {
      ...before,
      atMs: 2000,
      topics: [topic('a', 12), topic('b', 110), topic('n', 50), topic('r', 0)],
    };
    expect(
      ratesBetween(before, now).topics.map((each) => [
        each.name,
        each.recordsPerSecond,
        each.bytesPerSecond,
      ]),
    ).toEqual([
      ['b', 50, 500],
      ['a', 1, 10],
      ['n', 0, 0],
      ['r', 0, 0],
    ]);
  });

  it("reads a broker's metrics, and takes no other page for them", () => {
    const text = [
      '# HELP kafka_requests_total Requests',
      'kafka_requests_total{api="Fetch",version="1"} 5',
      'kafka_requests_total{api="Produce"} 7',
      'kafka_network_bytes_in_total 1024',
      'kafka_network_bytes_out_total 2048',
      'kafka_connections{listener="PLAINTEXT"} 3',
    ].join('\n');
    expect(readMetrics(text)).toEqual({
      requests: 12,
      bytesIn: 1024,
      bytesOut: 2048,
      connections: 3,
    });
    expect(readMetrics('<html>')).toBeUndefined();
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [2_340_000, '2.3 MB'],
    [5e15, '5000.0 TB'],
  ])('%s bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
