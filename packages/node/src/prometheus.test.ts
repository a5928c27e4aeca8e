import { describe, expect, it } from 'vitest';
import { renderPrometheus } from './prometheus.ts';

describe("Prometheus' text format", () => {
  it('tells counters and gauges, with and without labels', () => {
    expect(
      renderPrometheus([
        {
          name: 'odradek_requests_total',
          help: 'Requests answered.',
          type: 'counter',
          samples: [
            { labels: { api: 'Produce', version: '9' }, value: 12 },
            { labels: { api: 'Fetch', version: '12' }, value: 0 },
          ],
        },
        {
          name: 'odradek_partitions',
          help: 'Partitions on this broker.',
          type: 'gauge',
          samples: [{ labels: {}, value: 3 }],
        },
        { name: 'odradek_nothing', help: 'A family without samples.', type: 'gauge', samples: [] },
      ]),
    ).toBe(`# HELP odradek_requests_total Requests answered.
# TYPE odradek_requests_total counter
odradek_requests_total{api="Produce",version="9"} 12
odradek_requests_total{api="Fetch",version="12"} 0
# HELP odradek_partitions Partitions on this broker.
# TYPE odradek_partitions gauge
odradek_partitions 3
# HELP odradek_nothing A family without samples.
# TYPE odradek_nothing gauge
`);
  });

  it('cumulates the buckets of a histogram and closes it with infinity', () => {
    expect(
      renderPrometheus([
        {
          name: 'request_seconds',
          help: 'Time.',
          type: 'histogram',
          samples: [
            {
              labels: { api: 'Fetch' },
              upperBounds: [0.001, 0.5, 1],
              counts: [2, 0, 3, 1],
              sum: 7.25,
            },
          ],
        },
      ]),
    ).toBe(`# HELP request_seconds Time.
# TYPE request_seconds histogram
request_seconds_bucket{api="Fetch",le="0.001"} 2
request_seconds_bucket{api="Fetch",le="0.5"} 2
request_seconds_bucket{api="Fetch",le="1"} 5
request_seconds_bucket{api="Fetch",le="+Inf"} 6
request_seconds_sum{api="Fetch"} 7.25
request_seconds_count{api="Fetch"} 6
`);
  });

  it('escapes what would end a label or a line', () => {
    expect(
      renderPrometheus([
        {
          name: 'm',
          help: 'a \\ and\na "quote"',
          type: 'gauge',
          samples: [{ labels: { topic: 'a"b\\c\nd' }, value: 1 }],
        },
      ]),
    ).toBe('# HELP m a \\\\ and\\na "quote"\n# TYPE m gauge\nm{topic="a\\"b\\\\c\\nd"} 1\n');
  });

  it.each([
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [NaN, 'NaN'],
    [1e21, '1e+21'],
    [0.1 + 0.2, '0.30000000000000004'],
    [-0, '0'],
  ])('writes %d as %s', (value, text) => {
    expect(
      renderPrometheus([{ name: 'm', help: '', type: 'gauge', samples: [{ labels: {}, value }] }]),
    ).toContain(`\nm ${text}\n`);
  });

  it('refuses a histogram whose counts do not fit its bounds', () => {
    expect(() =>
      renderPrometheus([
        {
          name: 'm',
          help: '',
          type: 'histogram',
          samples: [{ labels: {}, upperBounds: [1], counts: [1], sum: 1 }],
        },
      ]),
    ).toThrow(/one count more/);
  });
});
