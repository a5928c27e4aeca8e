/** The small parts of the face: retries, pauses, offsets, bytes, logging, events. */
import { describe, expect, it } from 'vitest';
import { PortableBuffer, toBytes, toHeaderInputs, toHeaders } from './bytes.ts';
import { ConsumerOffsets } from './consumer-offsets.ts';
import { ConsumerPauses } from './consumer-pauses.ts';
import { logLevel } from './constants.ts';
import { Emitter } from './events.ts';
import { createLogger } from './logger.ts';
import { planRetries } from './retry-plan.ts';
import type { LogEntry } from './types.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const clock = {
  wallTimeMs: () => 5,
  monotonicMs: () => 5,
  setTimeout: () => 0,
  clearTimeout: () => {},
};

describe('retries', () => {
  it('end after as long as KafkaJS’s attempts take', () => {
    // 300 + 600 + 1200 + 2400 + 4800
    expect(planRetries().policy).toEqual({ timeoutMs: 9300, backoffMs: 300, backoffMaxMs: 30_000 });
    expect(planRetries({ retries: 3, initialRetryTime: 10 }).policy.timeoutMs).toBe(70);
    expect(
      planRetries({ retries: 4, initialRetryTime: 10, maxRetryTime: 20 }).policy.timeoutMs,
    ).toBe(10 + 20 * 3);
    expect(planRetries({ retries: 0 }).policy.timeoutMs).toBe(0);
  });

  it('take the later options before the earlier ones, and have an end even when there is none', () => {
    const plan = planRetries({ retries: 1 }, { retries: Number.MAX_SAFE_INTEGER });
    expect(plan.retries).toBe(Number.MAX_SAFE_INTEGER);
    expect(plan.policy.timeoutMs).toBe(2 ** 31 - 1);
  });
});

describe('pauses', () => {
  it('hold whole topics, with partitions that are still to come, and exceptions', () => {
    const pauses = new ConsumerPauses();
    pauses.pause([{ topic: 'a' }, { topic: 'b', partitions: [1] }]);
    pauses.resume([{ topic: 'a', partitions: [2] }]);
    const paused = (topic: string): number[] =>
      [0, 1, 2, 3].filter((partition) => pauses.has({ topic, partition }));
    expect([paused('a'), paused('b'), paused('c')]).toEqual([[0, 1, 3], [1], []]);
    pauses.pause([{ topic: 'a', partitions: [2] }]);
    expect(paused('a')).toEqual([0, 1, 2, 3]);
    pauses.resume([{ topic: 'a' }, { topic: 'b' }]);
    expect([paused('a'), paused('b')]).toEqual([[], []]);
  });
});

describe('offsets', () => {
  it('are uncommitted from being resolved to being committed', () => {
    const offsets = new ConsumerOffsets();
    const place = { topic: 't', partition: 1 };
    offsets.resolve(place, 9);
    expect(offsets.uncommitted()).toEqual([]);
    offsets.begin(place, 4);
    offsets.begin({ topic: 't', partition: 0 }, 7);
    expect([offsets.uncommitted(), offsets.pendingCount]).toEqual([[], 0]);
    offsets.resolve(place, 6);
    expect(offsets.pendingCount).toBe(2);
    expect(offsets.uncommitted()).toEqual([
      { topic: 't', partitions: [{ partition: 1, offset: '6' }] },
    ]);
    expect(offsets.uncommitted([{ topic: 't', partition: 0 }])).toEqual([]);
    offsets.committed([{ ...place, offset: 6 }]);
    expect(offsets.uncommitted()).toEqual([]);
    offsets.drop([place]);
    expect(offsets.resolvedOf(place)).toBeUndefined();
  });
});

describe('bytes', () => {
  it('are what KafkaJS makes of values', () => {
    expect([toBytes(null), toBytes(undefined)]).toEqual([null, null]);
    expect(toBytes('ü')).toEqual(utf8('ü'));
    expect(toBytes(5)).toEqual(utf8('5'));
    const bytes = utf8('as it is');
    expect(toBytes(bytes)).toBe(bytes);
  });

  it('go out and come back as headers, lists where a name comes twice', () => {
    const headers = { a: '1', b: ['2', utf8('3')], c: utf8('4') };
    const inputs = toHeaderInputs(headers);
    expect(inputs.map(({ key }) => key)).toEqual(['a', 'b', 'b', 'c']);
    expect(toHeaders(inputs, PortableBuffer.view)).toEqual({
      a: PortableBuffer.view(utf8('1')),
      b: [PortableBuffer.view(utf8('2')), PortableBuffer.view(utf8('3'))],
      c: PortableBuffer.view(utf8('4')),
    });
    expect(toHeaders([], PortableBuffer.view)).toEqual({});
    const odd = toHeaders([{ key: '__proto__', value: utf8('x') }], PortableBuffer.view);
    expect(Object.keys(odd)).toEqual(['__proto__']);
  });

  it('read as text like a Buffer where there is none', () => {
    const bytes = utf8('grüße 👋');
    const buffer = Buffer.from(bytes);
    for (const encoding of ['utf8', 'utf-8', 'hex', 'base64', 'latin1'] as const)
      for (let length = 0; length <= bytes.length; length += 1)
        expect(PortableBuffer.view(bytes.subarray(0, length)).toString(encoding)).toBe(
          buffer.subarray(0, length).toString(encoding),
        );
    expect(`${PortableBuffer.view(utf8('as text'))}`).toBe('as text');
    expect(JSON.stringify(PortableBuffer.view(utf8('ab')))).toBe(JSON.stringify(Buffer.from('ab')));
    expect(() => PortableBuffer.view(bytes).toString('utf16le')).toThrow('utf16le');
  });
});

describe('the logger', () => {
  it('writes what is as important as it was told, with names and fields', () => {
    const entries: LogEntry[] = [];
    const logger = createLogger({
      level: logLevel.WARN,
      creator: () => (entry) => void entries.push(entry),
      timestamp: () => 'now',
    });
    logger.info('no');
    logger.namespace('Part').warn('yes', { groupId: 'g' });
    logger.setLogLevel(logLevel.INFO);
    logger.namespace('Quiet', logLevel.NOTHING).error('no');
    logger.info('yes');
    expect(entries).toEqual([
      {
        namespace: 'Part',
        level: logLevel.WARN,
        label: 'WARN',
        log: { timestamp: 'now', logger: 'kafkajs', message: 'yes', groupId: 'g' },
      },
      {
        namespace: '',
        level: logLevel.INFO,
        label: 'INFO',
        log: { timestamp: 'now', logger: 'kafkajs', message: 'yes' },
      },
    ]);
  });
});

describe('events', () => {
  const silent = createLogger({
    level: logLevel.NOTHING,
    creator: () => () => {},
    timestamp: () => '',
  });

  it('reach those who listen, until they do not any more', () => {
    const emitter = new Emitter('admin', { CONNECT: 'admin.connect' }, clock, silent);
    const told: unknown[] = [];
    const forget = emitter.on('admin.connect', (event) => void told.push(event));
    emitter.emit('admin.connect', { a: 1 });
    forget();
    emitter.emit('admin.connect');
    expect(told).toEqual([{ id: '0', type: 'admin.connect', timestamp: 5, payload: { a: 1 } }]);
    expect(emitter.has('admin.connect')).toBe(false);
    expect(() => emitter.on('admin.nothing', () => {})).toThrow('admin.connect');
  });

  it('go on when a listener fails', async () => {
    const failures: string[] = [];
    const logger = { ...silent, error: (message: string) => void failures.push(message) };
    const emitter = new Emitter('admin', { CONNECT: 'admin.connect' }, clock, logger);
    let told = 0;
    emitter.on('admin.connect', () => {
      throw new Error('at once');
    });
    emitter.on('admin.connect', () => Promise.reject(new Error('later')));
    emitter.on('admin.connect', () => void (told += 1));
    emitter.emit('admin.connect');
    await Promise.resolve().then(() => {});
    expect(told).toBe(1);
    expect(failures).toEqual([
      'Failed to execute listener: at once',
      'Failed to execute listener: later',
    ]);
  });
});
