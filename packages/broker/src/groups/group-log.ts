/**
 * The groups' topic as the coordinator sees it: it appends records as one batch and waits until they are committed, and
 * replays a partition from its start when this broker comes to lead it.
 */
import type { GroupCoordinator } from '@odradek/coordinator';
import type { PartitionLog } from '@odradek/log';
import type { Clock, Crc32c, Logger } from '@odradek/ports';
import { ErrorCode, buildBatch, type RecordInput } from '@odradek/protocol';
import type { PartitionReplica } from '@odradek/replication';
import { OFFSETS_TOPIC } from '../internal-topics.ts';
import type { ReplicaManager } from '../replica-manager.ts';

export const appendToGroupLog = (
  replicas: ReplicaManager,
  partition: number,
  records: readonly { readonly key: Uint8Array; readonly value: Uint8Array | null }[],
  clock: Clock,
  crc32c: Crc32c,
): Promise<ErrorCode> => {
  const replica = replicas.get(OFFSETS_TOPIC, partition);
  if (replica === undefined) return Promise.resolve(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  const timestampMs = clock.wallTimeMs();
  const batch = buildBatch({
    records: records.map(({ key, value }): RecordInput => ({
      timestampMs,
      key,
      value,
      headers: [],
    })),
    crc32c,
  });
  return new Promise((resolve) => {
    // Committed with fewer replicas in sync than wished for is committed all the same: the coordinator replays it.
    const settle = (errorCode: ErrorCode): void =>
      resolve(
        errorCode === ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND ? ErrorCode.NONE : errorCode,
      );
    const outcome = replica.append({ records: batch, acks: -1, origin: 'coordinator' }, settle);
    if (outcome.status === 'refused') resolve(outcome.errorCode);
  });
};

/** Loads or unloads a partition's groups as the broker's role for it changes. */
export const followGroupLeadership = (
  groups: GroupCoordinator,
  partition: number,
  replica: PartitionReplica,
  loadBufferBytes: number,
  logger: Logger,
): void => {
  const { log, assignment } = replica;
  if (replica.role !== 'leader' || log === undefined || assignment === undefined) {
    groups.unload(partition);
    return;
  }
  groups
    .load(partition, assignment.leaderEpoch, committedBatches(replica, log, loadBufferBytes))
    .catch((error: unknown) => {
      // Whoever leads it now loads them; while this broker stops, nobody does.
      const isOurs = replica.assignment === assignment;
      const message = `the groups of ${OFFSETS_TOPIC}-${partition} could not be loaded`;
      if (isOurs) logger.error(message, { error });
      else logger.debug(message, { error });
    });
};

/**
 * Everything that the log holds as the leadership begins, once it is committed: what is above the high watermark then may
 * commit later, and would never be replayed.
 */
async function* committedBatches(
  replica: PartitionReplica,
  log: PartitionLog,
  maxBytes: number,
): AsyncIterable<Uint8Array> {
  const { assignment } = replica;
  let at = log.logStartOffset;
  const end = log.logEndOffset;
  while (at < end) {
    while (log.highWatermark <= at && replica.assignment === assignment) await nextChange(replica);
    if (replica.assignment !== assignment) {
      throw new Error(`the leadership of ${OFFSETS_TOPIC}-${replica.partition} went`);
    }
    const read = await log.read(at, { maxBytes, atLeastOneBatch: true, below: log.highWatermark });
    if (read.status === 'outOfRange' || read.records.length === 0) {
      throw new Error(
        `offset ${at} of ${OFFSETS_TOPIC}-${replica.partition} went away while it was read`,
      );
    }
    yield* read.records;
    at = read.nextOffset;
  }
}

const nextChange = (replica: PartitionReplica): Promise<void> =>
  new Promise((resolve) => {
    const watcher = (): void => {
      replica.unwatch(watcher);
      resolve();
    };
    replica.watch(watcher);
  });
