import { ErrorCode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { api } from './testing/api.ts';
import { collectingLogger } from './testing/collecting-logger.ts';
import { ManualClock } from '@odradek/ports/testing';
import { createTopic, fetchFrom, produce } from './testing/stories.ts';
import { startTestBroker } from './testing/test-broker.ts';
import { settle, until } from './testing/turns.ts';

const CHECK_MS = 60_000;
const withClock = async (config: Readonly<Record<string, string>> = {}) => {
  const clock = new ManualClock();
  const logger = collectingLogger();
  const broker = await startTestBroker({
    clock,
    logger,
    config: { 'log.retention.check.interval.ms': String(CHECK_MS), ...config },
  });
  return { ...broker, clock, logger, client: broker.connect() };
};

describe('retention', () => {
  it('goes on to the other logs when one of them fails', async () => {
    const { client, clock, disk, logger, stop } = await withClock();
    for (const topic of ['a', 'b', 'c']) {
      await createTopic(client, topic, 1, { 'retention.ms': '1000' });
      await produce(client, topic, ['old'], { timestampMs: clock.wallTimeMs() });
    }
    disk.failNext('sync', 'failed', 0, 'a-0/');
    clock.advance(CHECK_MS);
    await settle();
    const codes = [];
    for (const topic of ['a', 'b', 'c']) codes.push((await fetchFrom(client, topic, 0)).errorCode);
    expect(codes).toEqual([
      ErrorCode.KAFKA_STORAGE_ERROR,
      ErrorCode.OFFSET_OUT_OF_RANGE,
      ErrorCode.OFFSET_OUT_OF_RANGE,
    ]);
    expect(logger.lines.filter((it) => it.includes('is offline'))).toHaveLength(1);
    // What is offline is not tried again and again.
    const told = logger.lines.length;
    clock.advance(3 * CHECK_MS);
    await settle();
    expect(logger.lines.slice(told).filter((it) => it.startsWith('error'))).toEqual([]);
    await stop();
  });
});

describe('compaction', () => {
  it('takes the older values of a key away, by the clock', async () => {
    const { client, clock, stop } = await withClock({ 'log.cleaner.backoff.ms': '1000' });
    await createTopic(client, 'table', 1, {
      'cleanup.policy': 'compact',
      'segment.ms': '500',
      'min.cleanable.dirty.ratio': '0.01',
    });
    for (const value of ['same', 'same', 'same']) {
      await produce(client, 'table', [value], { timestampMs: clock.wallTimeMs() });
      clock.advance(600);
      await settle();
    }
    await produce(client, 'table', ['last'], { timestampMs: clock.wallTimeMs() });
    for (let n = 0; n < 5; n++) {
      clock.advance(1000);
      await settle();
    }
    expect((await fetchFrom(client, 'table', 0)).values).toEqual(['same']);
    expect((await fetchFrom(client, 'table', 3)).values).toEqual(['last']);
    await stop();
  });
});

describe('checkpoints', () => {
  it('are written by the clock, and spare the next start the way through the log', async () => {
    const { client, clock, disk, crash } = await withClock();
    await createTopic(client, 'words');
    await produce(client, 'words', ['a', 'b']);
    expect(disk.files.has('recovery-point-offset-checkpoint')).toBe(false);
    clock.advance(60_000);
    await until(() => disk.files.has('recovery-point-offset-checkpoint'));
    expect(disk.files.has('replication-offset-checkpoint')).toBe(true);
    const after = await crash();
    expect((await fetchFrom(after.connect(), 'words', 0)).values).toEqual(['a', 'b']);
    await after.stop();
  });

  it('that cannot be written are tried again, and said', async () => {
    const { client, clock, disk, logger, stop } = await withClock();
    await createTopic(client, 'words');
    await produce(client, 'words', ['a']);
    disk.failNext('replace', 'full', 0, 'recovery-point');
    clock.advance(60_000);
    await settle();
    expect(logger.lines.filter((it) => it.includes('recovery points failed'))).toHaveLength(1);
    clock.advance(60_000);
    await until(() => disk.files.has('recovery-point-offset-checkpoint'));
    const { topics } = await client.request(api.metadata, 12, { topics: null });
    expect(topics).toHaveLength(1);
    await stop();
  });
});
