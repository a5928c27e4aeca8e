/** What goes on by itself while the broker is stopped, killed and started again. */
import { describe, expect, it } from 'vitest';
import { Consumer, Producer } from '@odradek/client';
import { utf8Decode } from '@odradek/protocol';
import type { World } from './world.ts';
import { numbered, text, until } from './world.ts';

const RECORDS = 3000;
/** Some brokers take their time to come back. */
const RESTART_TIMEOUT_MS = 100_000;

export function restarts(world: World): void {
  const restart = async (how: 'stop' | 'kill'): Promise<void> => {
    const { brokers } = world.door;
    await brokers[how](world.broker);
    await brokers.restart(world.broker);
  };

  describe.each(['stop', 'kill'] as const)('when the broker is gone for a moment (%s)', (how) => {
    it('a producer writes every record once and in order, and readers go on', async () => {
      const topic = await world.newTopic(3);
      const cluster = world.open({ retry: { timeoutMs: RESTART_TIMEOUT_MS } });
      const reader = new Consumer(cluster, { from: 'earliest', maxWaitMs: 100 });
      await reader.assign([0, 1, 2].map((partition) => ({ topic, partition })));
      const seen: string[][] = [[], [], []];
      const reading = (async () => {
        while (seen.flat().length < RECORDS) {
          const { partition, records } = (await reader.poll(
            AbortSignal.timeout(RESTART_TIMEOUT_MS),
          ))!;
          seen[partition]!.push(...records.map(({ value }) => utf8Decode(value!)));
        }
      })();
      await using producer = new Producer(cluster, { batchBytes: 2000 });
      let acknowledged = 0;
      const failures: unknown[] = [];
      const send = async (from: number, to: number): Promise<void> => {
        for (let next = from; next < to; next += 50) {
          await Promise.all(
            numbered(50, next).map((value, index) =>
              producer.send(topic, { ...text(value), partition: (next + index) % 3 }).then(
                () => (acknowledged += 1),
                (error: unknown) => failures.push(error),
              ),
            ),
          );
        }
      };
      const sending = send(0, RECORDS);
      await until('some are written', () => acknowledged >= RECORDS / 3);
      await restart(how);
      await sending;
      expect(failures).toEqual([]);
      await reading;
      for (const partition of [0, 1, 2])
        expect(seen[partition]).toEqual(
          numbered(RECORDS).filter((value) => Number(value) % 3 === partition),
        );
      await reader.close();
      cluster.close();
    }, 120_000);

    it('an iterator goes on with what it was given, in its group', async () => {
      const topic = await world.newTopic();
      const bus = world.bus({ retry: { timeoutMs: RESTART_TIMEOUT_MS } });
      const stop = new AbortController();
      const seen: unknown[] = [];
      const reading = (async () => {
        for await (const { value } of bus.consume(topic, {
          group: `g-${topic}`,
          from: 'earliest',
          heartbeatIntervalMs: 100,
          signal: stop.signal,
        })) {
          seen.push(value);
          if (value === 'last') stop.abort();
        }
      })();
      for (const id of [0, 1, 2]) await bus.send(topic, { value: id });
      await until('they are read', () => seen.length === 3);
      await restart(how);
      for (const id of [3, 4, 'last']) await bus.send(topic, { value: id });
      await reading;
      // What was finished and not committed when the broker went may come twice, in order.
      expect([...new Set(seen)]).toEqual([0, 1, 2, 3, 4, 'last']);
      await bus.close();
    }, 120_000);
  });
}
