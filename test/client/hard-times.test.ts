import { describe, expect, it } from 'vitest';
import { Admin, Consumer, Producer } from '@odradek/client';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { startInProcess } from '../support/in-process-broker.ts';
import { doors } from './doors.ts';

const [tcp] = doors;
const RECORDS = 1_000_000;
const RESTARTS = 20;

async function until(what: string, isTrue: () => boolean, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`it never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a producer', () => {
  it('writes a million records once and in order while the broker is restarted twenty times', async () => {
    const first = await startInProcess();
    const { port } = first.addresses.kafka!;
    const cluster = await tcp!.open(first);
    await new Admin(cluster).createTopic({ name: 't', partitions: 4 });
    const producer = new Producer(cluster, { bufferMemoryBytes: 4 * 1024 * 1024 });
    let current = first;
    let acknowledged = 0;
    const failures: unknown[] = [];
    let restarts = 0;
    const producing = (async () => {
      const inFlight = new Set<Promise<void>>();
      for (let from = 0; from < RECORDS; from += 1000) {
        const records = Array.from({ length: 1000 }, (_, index) => ({
          value: utf8Encode(`${from + index}`),
          partition: (from + index) % 4,
        }));
        const sent = producer.send('t', records).then(
          () => {
            acknowledged += records.length;
            inFlight.delete(sent);
          },
          (error: unknown) => void failures.push(error),
        );
        inFlight.add(sent);
        if (inFlight.size >= 20) await Promise.race(inFlight);
      }
      await Promise.all(inFlight);
    })();
    for (; restarts < RESTARTS; restarts += 1) {
      const next = ((restarts + 1) * RECORDS) / (RESTARTS + 2);
      await until('some more are there', () => acknowledged >= next || failures.length > 0, 60_000);
      expect(acknowledged).toBeLessThan(RECORDS);
      await current.stop();
      current = await startInProcess({
        dataDirectory: first.dataDirectory,
        config: { listeners: `PLAINTEXT://127.0.0.1:${port}` },
      });
    }
    await producing;
    expect(failures).toEqual([]);
    expect(acknowledged).toBe(RECORDS);
    const consumer = new Consumer(cluster, { from: 'earliest' });
    await consumer.assign([0, 1, 2, 3].map((partition) => ({ topic: 't', partition })));
    const next = [0, 1, 2, 3];
    for (let read = 0; read < RECORDS;) {
      const batch = (await consumer.poll(AbortSignal.timeout(30_000)))!;
      for (const { value, offset, partition } of batch.records) {
        if (utf8Decode(value!) !== `${next[partition]}`)
          throw new Error(
            `${partition}@${offset} is ${utf8Decode(value!)}, not ${next[partition]}`,
          );
        next[partition]! += 4;
      }
      read += batch.records.length;
    }
    expect(next.map((each) => each >= RECORDS)).toEqual([true, true, true, true]);
    expect(await consumer.poll(undefined, { waitMs: 100 })).toBeUndefined();
    await consumer.close();
    await producer.close();
    cluster.close();
    await current.dispose();
  }, 180_000);
});

describe('ten consumers on a hundred partitions', () => {
  it('never own a partition twice, whoever comes and goes', async () => {
    const broker = await startInProcess({
      memory: true,
      config: { 'group.min.session.timeout.ms': '100' },
    });
    const cluster = await tcp!.open(broker);
    await new Admin(cluster).createTopic({ name: 't', partitions: 100 });
    const owners = new Map<number, number>();
    const wrong: string[] = [];
    const members = Array.from(
      { length: 10 },
      (_, index) =>
        new Consumer(cluster, {
          group: 'g',
          from: 'earliest',
          heartbeatIntervalMs: 50,
          sessionTimeoutMs: 10_000,
          onAssigned: (partitions) => {
            for (const { partition } of partitions) {
              if (owners.has(partition))
                wrong.push(`${partition} went to ${index} while ${owners.get(partition)} had it`);
              owners.set(partition, index);
            }
          },
          onRevoked: (partitions) => {
            for (const { partition } of partitions) {
              if (owners.get(partition) !== index) wrong.push(`${partition} was not ${index}'s`);
              owners.delete(partition);
            }
          },
          onLost: () => {
            wrong.push(`${index} lost its membership`);
          },
        }),
    );
    const areShared = (of: readonly Consumer[]): boolean =>
      owners.size === 100 &&
      of.every(
        (each) =>
          each.membership?.getSnapshot().hasTag('stable') === true &&
          Math.abs(each.assignment.length - 100 / of.length) < 1,
      );
    for (const each of members) await each.subscribe(['t']);
    await until('ten share', () => areShared(members));
    await Promise.all(members.slice(0, 3).map((each) => each.close()));
    await until('seven share', () => areShared(members.slice(3)));
    expect(wrong).toEqual([]);
    await Promise.all(members.slice(3).map((each) => each.close()));
    expect(owners.size).toBe(0);
    cluster.close();
    await broker.dispose();
  });
});

describe('a consumer that dies in the middle of a batch', () => {
  it('loses nothing, and only what it had not finished is repeated', async () => {
    const broker = await startInProcess({
      memory: true,
      config: { 'group.min.session.timeout.ms': '100' },
    });
    const [mine, other] = [await tcp!.open(broker), await tcp!.open(broker)];
    await new Admin(other).createTopic({ name: 't', partitions: 1 });
    const producer = new Producer(other);
    await producer.send(
      't',
      Array.from({ length: 100 }, (_, index) => ({ value: utf8Encode(`${index}`) })),
    );
    const options = {
      group: 'g',
      from: 'earliest',
      sessionTimeoutMs: 500,
      heartbeatIntervalMs: 100,
      autoCommitIntervalMs: 50,
    } as const;
    const dying = new Consumer(mine, options);
    await dying.subscribe(['t']);
    const batch = (await dying.poll(undefined, { maxRecords: 60 }))!;
    for (const record of batch.records.slice(0, 40)) dying.finished(record);
    const committed = async (): Promise<number> =>
      (await new Admin(other).listGroupOffsets('g'))[0]?.offset ?? -1;
    while ((await committed()) < 40) await new Promise((resolve) => setTimeout(resolve, 10));
    // As when its process is killed: nobody says good-bye.
    mine.close();
    const heir = new Consumer(other, options);
    await heir.subscribe(['t']);
    const seen: number[] = [];
    while (seen.at(-1) !== 99) {
      const { records } = (await heir.poll(AbortSignal.timeout(10_000)))!;
      for (const record of records) {
        seen.push(record.offset);
        heir.finished(record);
      }
    }
    expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => 40 + index));
    await heir.close();
    await producer.close();
    other.close();
    await broker.dispose();
  });
});
