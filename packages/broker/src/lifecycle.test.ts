/** How a broker begins and ends, with whatever clients and disks do meanwhile. */
import { VolumeError } from '@odradek/ports';
import { ErrorCode } from '@odradek/protocol';
import { MemoryDisk, type MemoryOperation } from '@odradek/storage/memory';
import { describe, expect, it } from 'vitest';
import { api } from './testing/api.ts';
import { collectingLogger } from './testing/collecting-logger.ts';
import { ManualClock } from '@odradek/ports/testing';
import { createTopic, fetchFrom, joinGroup, produce } from './testing/stories.ts';
import {
  LISTENERS,
  prepareTestBroker,
  seededRandom,
  startTestBroker,
} from './testing/test-broker.ts';
import { settle, until } from './testing/turns.ts';

const WORDS = 'words-0/';
const METADATA = '__cluster_metadata-0/';
const CLEAN = '.kafka_cleanshutdown';

const isMarkedClean = (disk: MemoryDisk): boolean => disk.files.has(CLEAN);

describe('a start', () => {
  it('serves the connections that came before it was done', async () => {
    const { broker, connect, stop } = prepareTestBroker();
    const early = connect();
    const gone = connect();
    const asked = early.request(api.metadata, 12, { topics: null });
    await broker.recover();
    gone.close();
    await broker.open(LISTENERS);
    expect((await asked).brokers).toHaveLength(1);
    await settle();
    expect(broker.metrics().find((it) => it.name === 'kafka_connections')?.samples).toMatchObject([
      { value: 1 },
    ]);
    await stop();
  });

  it('keeps no more early connections than it may have at all', async () => {
    const { broker, connect, stop } = prepareTestBroker({ config: { 'max.connections': '2' } });
    const clients = [connect(), connect(), connect()];
    expect(clients.map((it) => it.isClosed)).toEqual([false, false, true]);
    await broker.recover();
    await broker.open(LISTENERS);
    await stop();
    expect(clients.map((it) => it.isClosed)).toEqual([true, true, true]);
  });

  it('can be broken off at any step, and is found again as if nothing had been', async () => {
    const held: Partial<Record<string, readonly [MemoryOperation, string]>> = {
      starting: ['readSmall', 'meta.properties'],
      recovering: ['readSmall', 'recovery-point-offset-checkpoint'],
      registering: ['sync', METADATA],
    };
    for (const when of ['starting', 'recovering', 'awaitingListeners', 'registering'] as const) {
      const before = await startTestBroker();
      await createTopic(before.connect(), 'words');
      await produce(before.connect(), 'words', ['a']);
      await before.stop();
      const { broker, stop, disk } = prepareTestBroker({ disk: before.disk });
      const hold = () => disk.hold(...held[when]!);
      const holdsEarly = when === 'starting' || when === 'recovering';
      const release = holdsEarly ? hold() : undefined;
      const recovered = broker.recover().catch((error: Error) => error.message);
      await settle();
      let opened: Promise<unknown> = Promise.resolve();
      let releaseLate: (() => void) | undefined;
      if (when === 'registering') {
        releaseLate = hold();
        opened = broker.open(LISTENERS).catch((error: Error) => error.message);
      }
      expect(broker.state).toBe(when);
      const stopped = stop();
      await settle();
      release?.();
      releaseLate?.();
      await stopped;
      expect([when, broker.state]).toEqual([when, 'stopped']);
      const refusal = 'the broker was stopped while it started';
      if (holdsEarly) expect(await recovered).toBe(refusal);
      if (when === 'registering') expect(await opened).toBe(refusal);
      expect([when, isMarkedClean(disk)]).toEqual([when, when !== 'starting']);
      const after = await startTestBroker({ disk });
      expect((await fetchFrom(after.connect(), 'words', 0)).values).toEqual(['a']);
      await after.stop();
    }
  });

  it('on another broker’s folder is refused before anything is touched', async () => {
    const first = await startTestBroker({ config: { 'node.id': '7' } });
    await first.stop();
    const files = [...first.disk.files.keys()].toSorted();
    const { broker, volume } = prepareTestBroker({ disk: first.disk, config: { 'node.id': '8' } });
    await expect(broker.recover()).rejects.toThrow('belongs to broker 7');
    await expect(broker.stop()).rejects.toThrow('belongs to broker 7');
    await volume.close();
    expect([...first.disk.files.keys()].toSorted()).toEqual(files);
  });

  it('is refused with the error of the disk, whichever step met it', async () => {
    for (const [operation, name] of [
      ['readSmall', 'meta.properties'],
      ['list', ''],
      ['sync', METADATA],
    ] as const) {
      const before = await startTestBroker();
      await before.stop();
      const { broker, volume } = prepareTestBroker({ disk: before.disk });
      const started = broker.recover().then(async () => {
        if (operation === 'sync') before.disk.failNext(operation, 'full', 0, name);
        await broker.open(LISTENERS);
      });
      if (operation !== 'sync') before.disk.failNext(operation, 'full', 0, name);
      const error = await started.catch((it: unknown) => it);
      expect([operation, (error as Error).message]).toEqual([
        operation,
        expect.stringContaining('injected'),
      ]);
      if (operation !== 'sync') expect(error).toBeInstanceOf(VolumeError);
      await broker.stop().catch(() => {});
      await volume.close();
    }
  });

  it('on a disk that fails says why, and holds nothing open', async () => {
    for (const operation of ['readSmall', 'list', 'open', 'append', 'sync', 'replace'] as const) {
      const disk = new MemoryDisk({ random: seededRandom(3) });
      const logger = collectingLogger();
      disk.failNext(operation);
      const { broker, volume } = prepareTestBroker({ disk, logger });
      await expect(broker.recover()).rejects.toThrow(/injected|metadata/);
      expect([operation, broker.state]).toEqual([operation, 'failed']);
      expect(logger.lines.filter((it) => it.includes('the broker gives up'))).toHaveLength(1);
      await volume.close();
    }
  });
});

describe('a stop', () => {
  it('ends only once, however often it is asked for', async () => {
    const { broker, volume, disk } = await startTestBroker();
    await Promise.all([broker.stop(), broker.stop(), broker.stopped]);
    await broker.stop();
    await volume.close();
    expect(isMarkedClean(disk)).toBe(true);
  });

  it('answers the long polls with what there is, at once', async () => {
    const { connect, stop } = await startTestBroker();
    const reader = connect();
    await createTopic(reader, 'words');
    const waiting = fetchFrom(reader, 'words', 0, { maxWaitMs: 600_000 });
    await settle();
    const startedAt = performance.now();
    await stop();
    expect(await waiting).toMatchObject({ errorCode: ErrorCode.NONE, values: [] });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(reader.isClosed).toBe(true);
  });

  it('waits for the flush of what was produced, and acknowledges it', async () => {
    const { connect, stop, disk } = await startTestBroker();
    const writer = connect();
    await createTopic(writer, 'words');
    const release = disk.hold('sync', WORDS);
    const produced = produce(writer, 'words', ['a']);
    await settle();
    const stopped = stop();
    await settle();
    release();
    expect(await produced).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
    await stopped;
    expect(isMarkedClean(disk)).toBe(true);
  });

  it('tells members who wait for their group that it goes elsewhere', async () => {
    const { connect, stop } = await startTestBroker({
      config: {
        'offsets.topic.num.partitions': '1',
        'group.initial.rebalance.delay.ms': '300000',
      },
    });
    const member = connect();
    const waiting = joinGroup(member, 'readers');
    await until(() => member.answers.length >= 2);
    await settle();
    const startedAt = performance.now();
    await stop();
    expect((await waiting).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('takes no new requests and no new connections', async () => {
    const { connect, stop, disk } = await startTestBroker();
    const writer = connect();
    await createTopic(writer, 'words');
    const release = disk.hold('sync', WORDS);
    const owed = produce(writer, 'words', ['a']);
    await settle();
    const stopped = stop();
    const late = produce(writer, 'words', ['late']).catch((error: Error) => error.message);
    const newcomer = connect();
    await newcomer.closed;
    release();
    expect((await owed).errorCode).toBe(ErrorCode.NONE);
    expect(await late).toBe('the broker closed the connection');
    await stopped;
  });

  it('does not call itself clean when a log could not be closed in order', async () => {
    const logger = collectingLogger();
    const { connect, broker, volume, disk } = await startTestBroker({ logger });
    await createTopic(connect(), 'words');
    await produce(connect(), 'words', ['a']);
    disk.failNext('append', 'full', 0, `${WORDS}00000000000000000000.index`);
    await broker.stop();
    await volume.close();
    expect(broker.state).toBe('stopped');
    expect(isMarkedClean(disk)).toBe(false);
    expect(logger.lines.join('\n')).toContain('a log could not be closed in order');
    const after = await startTestBroker({ disk });
    expect((await fetchFrom(after.connect(), 'words', 0)).values).toEqual(['a']);
    await after.stop();
    expect(isMarkedClean(disk)).toBe(true);
  });

  it('does not call itself clean when a checkpoint or a log had failed', async () => {
    const one = await startTestBroker();
    await createTopic(one.connect(), 'words');
    one.disk.failNext('replace', 'full', 0, 'log-start-offset-checkpoint');
    await one.stop();
    expect(isMarkedClean(one.disk)).toBe(false);
    const logger = collectingLogger();
    const two = await startTestBroker({ logger });
    await createTopic(two.connect(), 'words');
    two.disk.failNext('sync', 'failed', 0, WORDS);
    expect((await produce(two.connect(), 'words', ['a'])).errorCode).toBe(
      ErrorCode.KAFKA_STORAGE_ERROR,
    );
    await two.stop();
    expect(isMarkedClean(two.disk)).toBe(false);
    // It is known to have failed: that it cannot be closed in order is no news.
    expect(logger.lines.join('\n')).not.toContain('could not be closed in order');
  });
});

describe('a broker whose metadata log fails', () => {
  it('gives up: connections are cut, nothing is acknowledged, and the next start finds what was', async () => {
    const logger = collectingLogger();
    const { broker, connect, disk, volume } = await startTestBroker({ logger });
    const client = connect();
    const reader = connect();
    await createTopic(client, 'words');
    await produce(client, 'words', ['a']);
    const waiting = fetchFrom(reader, 'words', 1, { maxWaitMs: 600_000 }).catch(
      (error: Error) => error.message,
    );
    disk.failNext('sync', 'failed', 0, METADATA);
    await expect(createTopic(client, 'more')).rejects.toThrow('the broker closed the connection');
    expect(await waiting).toBe('the broker closed the connection');
    await expect(broker.stopped).rejects.toThrow('injected');
    await expect(broker.stop()).rejects.toThrow('injected');
    expect([broker.state, broker.isReady]).toEqual(['failed', false]);
    expect(broker.problems()[0]).toBe('the broker is failed');
    await connect().closed;
    // Everything is let go of.
    await volume.close();
    expect(isMarkedClean(disk)).toBe(false);
    const after = await startTestBroker({ disk });
    expect((await fetchFrom(after.connect(), 'words', 0)).values).toEqual(['a']);
    await after.stop();
  });
});

describe('a broker that has failed', () => {
  it('holds no file open and no timer running', async () => {
    const clock = new ManualClock();
    const { broker, connect, disk, volume } = await startTestBroker({ clock });
    await createTopic(connect(), 'words');
    await produce(connect(), 'words', ['a']);
    disk.failNext('sync', 'failed', 0, METADATA);
    await createTopic(connect(), 'more').catch(() => {});
    await expect(broker.stopped).rejects.toThrow('injected');
    expect(clock.pendingTimers).toBe(0);
    // A file that is open is locked.
    const [log] = await volume.list(`${WORDS}00000000000000000000.log`);
    await (await volume.open(log!.name)).close();
    const [metadata] = await volume.list(`${METADATA}00000000000000000000.log`);
    await expect(volume.open(metadata!.name)).rejects.toMatchObject({ kind: 'failed' });
    await volume.close();
  });
});

describe('a partition whose log fails', () => {
  it('goes offline alone: what waits is told so, the others go on', async () => {
    const logger = collectingLogger();
    const { broker, connect, disk, stop } = await startTestBroker({ logger });
    const client = connect();
    const reader = connect();
    await createTopic(client, 'words');
    await createTopic(client, 'others');
    const waiting = fetchFrom(reader, 'words', 0, { maxWaitMs: 600_000 });
    await settle();
    disk.failNext('sync', 'failed', 0, WORDS);
    const writers = await Promise.all(
      [-1, 1, -1].map((acks) => produce(connect(), 'words', ['a'], { acks })),
    );
    expect(writers.map((it) => it.errorCode)).toEqual(
      [0, 0, 0].fill(ErrorCode.KAFKA_STORAGE_ERROR),
    );
    expect((await waiting).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await produce(client, 'words', ['b'])).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await produce(client, 'others', ['b'])).errorCode).toBe(ErrorCode.NONE);
    expect(broker.problems()).toEqual(['partition words-0 is offline']);
    const { topics } = await client.request(api.metadata, 12, { topics: [{ name: 'words' }] });
    expect(topics[0]!.partitions[0]!.offlineReplicas).toEqual([broker.nodeId]);
    expect(logger.lines.some((it) => it.includes('partition words-0 is offline: injected'))).toBe(
      true,
    );
    await stop();
  });
});
