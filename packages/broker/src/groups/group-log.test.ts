import type { GroupCoordinator } from '@odradek/coordinator';
import { ErrorCode, leaderEpoch, nodeId } from '@odradek/protocol';
import { MemoryDisk } from '@odradek/storage/memory';
import { describe, expect, it } from 'vitest';
import { collectingLogger } from '../testing/collecting-logger.ts';
import { ManualClock } from '@odradek/ports/testing';
import { openReplica } from '../testing/open-replica.ts';
import { valuesIn } from '../testing/records.ts';
import { seededRandom } from '../testing/test-broker.ts';
import { settle } from '../testing/turns.ts';
import { followGroupLeadership } from './group-log.ts';

/** Reads what it is given, and writes down how that went. */
const reader = () => {
  const told: string[] = [];
  const groups = {
    async load(partition: number, epoch: number, batches: AsyncIterable<Uint8Array>) {
      try {
        for await (const batch of batches) told.push(...valuesIn(batch));
        told.push(`loaded ${partition} in epoch ${epoch}`);
      } catch (error) {
        told.push(`failed: ${(error as Error).message}`);
        throw error;
      }
    },
    unload: (partition: number) => void told.push(`unloaded ${partition}`),
  } as unknown as GroupCoordinator;
  return { told, groups };
};

const open = () =>
  openReplica('__consumer_offsets', new ManualClock(), new MemoryDisk({ random: seededRandom(5) }));

describe('the groups of a partition', () => {
  it('are loaded with all that its log holds, and unloaded when it is led elsewhere', async () => {
    const { replica, append } = await open();
    await append('a');
    await append('b', 'c');
    const { told, groups } = reader();
    followGroupLeadership(groups, 0, replica, 100, collectingLogger());
    await settle();
    expect(told).toEqual(['a', 'b', 'c', 'loaded 0 in epoch 0']);
    const self = nodeId(1);
    replica.follow({
      replicas: [self],
      isr: [self],
      leader: nodeId(2),
      leaderEpoch: leaderEpoch(1),
      partitionEpoch: 1,
    });
    followGroupLeadership(groups, 0, replica, 100, collectingLogger());
    expect(told.at(-1)).toBe('unloaded 0');
  });

  it('wait for what is not committed when the leadership begins', async () => {
    const { replica, append } = await open();
    await append('a');
    const waiting = append('b');
    const { told, groups } = reader();
    followGroupLeadership(groups, 0, replica, 100, collectingLogger());
    await waiting;
    await settle();
    expect(told).toEqual(['a', 'b', 'loaded 0 in epoch 0']);
  });

  it('are given up when the leadership goes while they wait, which is no error', async () => {
    const disk = new MemoryDisk({ random: seededRandom(5) });
    const { replica, append } = await openReplica('__consumer_offsets', new ManualClock(), disk);
    disk.hold('sync');
    void append('a').catch(() => {});
    await settle();
    const { told, groups } = reader();
    const logger = collectingLogger();
    followGroupLeadership(groups, 0, replica, 100, logger);
    await settle();
    expect(told).toEqual([]);
    replica.retire(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    await settle();
    expect(told).toEqual(['failed: the leadership of __consumer_offsets-0 went']);
    expect(logger.lines).toEqual([]);
  });
});
