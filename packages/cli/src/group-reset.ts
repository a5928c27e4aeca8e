/**
 * Moves a group's offsets, as kafka-consumer-groups --reset-offsets does: shown unless --execute is given, refused while the group has
 * members, and never out of the log.
 */
import { Admin, BrokerError } from '@odradek/client';
import type { CommittedOffset, StartingPoint, TopicPartition } from '@odradek/client';
import { ErrorCode } from '@odradek/protocol';
import type { ResetOptions } from './commands/group.ts';
import { withCluster } from './connect.ts';
import { requireNoMembers } from './group-state.ts';
import { plural, say } from './messages.ts';
import { parseChoices } from './partition-choice.ts';
import type { Choices } from './partition-choice.ts';
import { placeAt } from './places.ts';
import { writeJson, writeTable } from './table.ts';
import { EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

export interface Move extends TopicPartition {
  /** Undefined when the group has none. */
  readonly currentOffset: number | undefined;
  readonly newOffset: number;
}

/** Where to: a place, or so many records from where the group is. */
export type Target = StartingPoint | { readonly shiftBy: number };

export function reset(world: World, group: string, options: ResetOptions): Promise<number> {
  const { to, shiftBy, topic = [], allTopics = false, execute = false, json } = options;
  if ((to === undefined) === (shiftBy === undefined))
    throw new UsageError('say where to: one of --to and --shift-by');
  if (allTopics === topic.length > 0)
    throw new UsageError('say of what: --topic (several times for several), or --all-topics');
  if (execute && options.dryRun) throw new UsageError('--execute or --dry-run, not both');
  const choices = parseChoices(topic);
  return withCluster(world, options, async (cluster) => {
    const admin = new Admin(cluster);
    await requireIdle(admin, group);
    const committed = await admin.listGroupOffsets(group);
    const target: Target =
      to === undefined ? { shiftBy: shiftBy! } : placeAt(to, cluster.host.clock.wallTimeMs());
    const wanted = allTopics ? committed : await chosenPartitions(admin, choices);
    if (wanted.length === 0) throw new UsageError(`${group} has committed nothing: name a --topic`);
    const moves = await planMoves(admin, wanted, committed, target);
    if (execute)
      await admin.setGroupOffsets(
        group,
        moves.map(({ topic: name, partition, newOffset }) => ({
          topic: name,
          partition,
          offset: newOffset,
        })),
      );
    await tell(world, group, moves, execute, json ?? false);
    return EXIT_OK;
  });
}

/** A group that is not there yet may be given offsets before its first member comes. */
async function requireIdle(admin: Admin, group: string): Promise<void> {
  try {
    await requireNoMembers(admin, group);
  } catch (error) {
    if (!(error instanceof BrokerError && error.code === ErrorCode.GROUP_ID_NOT_FOUND)) throw error;
  }
}

async function chosenPartitions(
  admin: Admin,
  choices: Choices,
): Promise<readonly TopicPartition[]> {
  const found: TopicPartition[] = [];
  for (const [topic, some] of choices) {
    const { partitions } = await admin.describeTopic(topic);
    const known = partitions.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b);
    const missing = [...(some ?? [])].find((partition) => !known.includes(partition));
    if (missing !== undefined)
      throw new UsageError(`${topic} has no partition ${missing}, but 0 to ${known.length - 1}`);
    for (const partition of known)
      if (some?.has(partition) ?? true) found.push({ topic, partition });
  }
  return found;
}

async function planMoves(
  admin: Admin,
  wanted: readonly TopicPartition[],
  committed: readonly CommittedOffset[],
  target: Target,
): Promise<readonly Move[]> {
  const moves: Move[] = [];
  for (const topic of new Set(wanted.map((each) => each.topic))) {
    const partitions = wanted.filter((each) => each.topic === topic).map((each) => each.partition);
    const at = async (place: Parameters<Admin['listOffsets']>[1]) =>
      new Map(
        (await admin.listOffsets(topic, place, partitions)).map((each) => [
          each.partition,
          each.offset,
        ]),
      );
    const [starts, ends] = await Promise.all([at('earliest'), at('latest')]);
    const byTime = 'timestampMs' in target ? await at(target) : undefined;
    for (const partition of partitions) {
      const currentOffset = committed.find(
        (each) => each.topic === topic && each.partition === partition,
      )?.offset;
      const start = starts.get(partition) ?? 0;
      const end = ends.get(partition) ?? 0;
      const offset = targetOffset(target, {
        currentOffset,
        start,
        end,
        found: byTime?.get(partition),
      });
      if (offset === undefined)
        throw new UsageError(`${topic}-${partition} has no offset to shift: use --to`);
      moves.push({ topic, partition, currentOffset, newOffset: clamp(offset, start, end) });
    }
  }
  return moves;
}

/** Undefined when there is nothing to count from. */
export function targetOffset(
  target: Target,
  {
    currentOffset,
    start,
    end,
    found,
  }: {
    readonly currentOffset: number | undefined;
    readonly start: number;
    readonly end: number;
    /** By the time that is asked for; -1 or undefined when nothing is that young. */
    readonly found?: number | undefined;
  },
): number | undefined {
  if ('shiftBy' in target)
    return currentOffset === undefined ? undefined : currentOffset + target.shiftBy;
  if ('at' in target) return target.at === 'earliest' ? start : end;
  if ('timestampMs' in target) return found === undefined || found < 0 ? end : found;
  return target.offset < 0 ? end + target.offset : target.offset;
}

const clamp = (offset: number, start: number, end: number): number =>
  Math.min(Math.max(offset, start), end);

async function tell(
  world: World,
  group: string,
  moves: readonly Move[],
  isDone: boolean,
  json: boolean,
): Promise<void> {
  if (json) {
    await writeJson(
      world,
      moves.map(({ currentOffset = null, ...move }) => ({
        group,
        ...move,
        currentOffset,
        executed: isDone,
      })),
    );
    return;
  }
  await writeTable(
    world,
    ['GROUP', 'TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'NEW-OFFSET'],
    moves.map(({ topic, partition, currentOffset, newOffset }) => [
      group,
      topic,
      partition,
      currentOffset ?? '-',
      newOffset,
    ]),
  );
  await say(
    world,
    isDone
      ? `moved ${plural(moves.length, 'offset')} of ${group}`
      : 'nothing is changed yet: --execute does it',
  );
}
