/** Ten members on a hundred partitions, some of which join, leave and are killed while records are read: nothing is owned twice, nothing is missing. */
import { describe, expect, it } from 'vitest';
import { Producer } from '@odradek/client';
import type { AssignorName, Cluster, Consumer } from '@odradek/client';
import { utf8Decode } from '@odradek/protocol';
import { Ownership } from './ownership.ts';
import type { World } from './world.ts';
import { text, until } from './world.ts';

const PARTITIONS = 100;
const MEMBERS = 10;
const RECORDS = 1000;

interface Running {
  readonly consumer: Consumer;
  readonly cluster: Cluster;
  readonly stop: AbortController;
  readonly reading: Promise<void>;
}

export function rebalance(world: World): void {
  describe.each<AssignorName>(['range', 'cooperative-sticky'])(
    'ten members on a hundred partitions, shared by %s',
    (assignor) => {
      it('never own one twice and read everything, whoever comes, goes and dies', async () => {
        const topic = await world.newTopic(PARTITIONS);
        const owners = new Ownership();
        const seen = new Set<string>();
        const running = new Map<number, Running>();
        const join = (member: number): Promise<void> => {
          const cluster = world.open();
          const consumer = world.member(
            `g-${topic}`,
            { assignors: [assignor], sessionTimeoutMs: 5000, ...owners.listener(member) },
            cluster,
          );
          const stop = new AbortController();
          const reading = (async () => {
            while (!stop.signal.aborted) {
              const batch = await consumer.poll(stop.signal);
              for (const record of batch?.records ?? []) {
                seen.add(utf8Decode(record.value!));
                consumer.finished(record);
              }
            }
          })().catch((error: unknown) => {
            if (!stop.signal.aborted) throw error;
          });
          running.set(member, { consumer, cluster, stop, reading });
          return consumer.subscribe([topic]);
        };
        const leave = async (member: number): Promise<void> => {
          const { consumer, cluster, stop, reading } = running.get(member)!;
          running.delete(member);
          stop.abort();
          await reading;
          await consumer.close();
          cluster.close();
        };
        const kill = async (member: number): Promise<void> => {
          const { cluster, stop, reading } = running.get(member)!;
          running.delete(member);
          stop.abort();
          owners.killed(member);
          cluster.close();
          await reading;
        };
        const areShared = (): boolean => {
          const each = PARTITIONS / running.size;
          return (
            owners.size === PARTITIONS &&
            [...running.values()].every(
              ({ consumer }) =>
                consumer.membership?.getSnapshot().hasTag('stable') === true &&
                Math.abs(consumer.assignment.length - each) < 1,
            )
          );
        };
        const producer = new Producer(world.cluster);
        const fill = (from: number) =>
          Promise.all(
            Array.from({ length: RECORDS }, (_, index) =>
              producer.send(topic, { ...text(`${from + index}`), partition: index % PARTITIONS }),
            ),
          );
        for (let member = 0; member < MEMBERS; member += 1) await join(member);
        await until('ten share', areShared);
        await fill(0);
        await Promise.all([leave(0), leave(1), fill(RECORDS), join(10)]);
        await until('nine share', areShared);
        await Promise.all([kill(2), leave(3), fill(2 * RECORDS)]);
        await until('seven share', areShared);
        await Promise.all([join(11), join(12), kill(4)]);
        await until('eight share', areShared);
        await until('all is read', () => seen.size === 3 * RECORDS);
        expect(owners.wrong).toEqual([]);
        await producer.close();
        await Promise.all([...running.keys()].map(leave));
        expect(owners.size).toBe(0);
        expect(owners.wrong).toEqual([]);
      }, 120_000);
    },
  );
}
