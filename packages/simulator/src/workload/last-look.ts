/**
 * When everything is read: what the coordinator has of the group and the controller of topics is what was acknowledged; no partition
 * moves any more, and all replicas are in sync.
 */
import { Admin } from '@odradek/client';
import type { GroupCheck } from '../checkers/group.ts';
import type { History, PartitionHistory } from '../checkers/history.ts';
import type { TopicsCheck } from '../checkers/topics.ts';
import { startClient, wordsOfError, type ClientWorld } from './client-host.ts';

export interface LastLookOptions {
  readonly world: ClientWorld;
  readonly name: string;
  readonly history: History;
  readonly partitions: readonly PartitionHistory[];
  readonly groupId: string;
  readonly group: GroupCheck;
  readonly topics: TopicsCheck;
}

const AGAIN_MS = 1_000;
/** How long moves and laggards may take in peace: a link that died in a cut is found out when it is used, and then takes a while. */
const SETTLING_MS_MAX = 120_000;

export async function lastLook(options: LastLookOptions): Promise<void> {
  const { world, name, history, topics } = options;
  const { scheduler } = world;
  const { cluster, process } = startClient(world, `${name}-admin`, `${name} last admin`);
  const admin = new Admin(cluster);
  const beganMs = scheduler.nowMs;
  for (;;) {
    try {
      await checkCommits(admin, options);
      const listed = await admin.listTopics();
      const names = new Set(listed.map((it) => it.name ?? ''));
      const isLast = scheduler.nowMs - beganMs > SETTLING_MS_MAX;
      const illPlaced = [...(await moving(admin)), ...lagging(listed)];
      if (isLast || (topics.isSettled(names) && illPlaced.length === 0)) {
        topics.checkFinal(names);
        if (illPlaced.length > 0) history.violate('not-live', `in peace ${illPlaced.join('; ')}`);
        return;
      }
    } catch (error) {
      scheduler.trace.say(process.name, `asks again: ${wordsOfError(error)}`);
    }
    await scheduler.sleep(AGAIN_MS, process);
  }
}

async function checkCommits(
  admin: Admin,
  { groupId, group, partitions }: LastLookOptions,
): Promise<void> {
  const offsets = await admin.listGroupOffsets(groupId);
  for (const partition of partitions) {
    const found = offsets.find(
      (it) => it.topic === partition.topic && it.partition === partition.partition,
    );
    group.checkFinal(partition, found?.offset ?? 0, 0);
  }
}

async function moving(admin: Admin): Promise<readonly string[]> {
  const moves = await admin.listReassignments();
  return moves.map((it) => `${it.topic}-${it.partition} still moves`);
}

type Topics = Awaited<ReturnType<Admin['listTopics']>>;

function lagging(topics: Topics): readonly string[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions
      .filter((it) => it.leaderId < 0 || it.isrNodes.length < it.replicaNodes.length)
      .map(
        ({ partitionIndex, leaderId, replicaNodes, isrNodes }) =>
          `${name}-${partitionIndex} is led by ${leaderId}, has replicas ${replicaNodes.join(', ')} and in sync ${isrNodes.join(', ')}`,
      ),
  );
}
