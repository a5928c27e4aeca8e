/**
 * What a broker does by the clock: retention, compaction, checkpoints, forgetting old producers, closing idle connections.
 * A log that cannot be kept in order does not keep the others from it.
 */
import type { PartitionLog } from '@odradek/log';
import type { Clock, Logger } from '@odradek/ports';
import type { Connections } from './connection/connections.ts';
import { periodically } from './periodically.ts';
import type { ReplicaManager } from './replica-manager.ts';
import type { Settings } from './settings.ts';

export interface Housekeeping {
  /** Nothing is begun any more; resolves when what was begun has ended. */
  stop(): Promise<void>;
}

/** How often idle connections are looked for, at most. */
const IDLE_CHECK_MS_MAX = 30_000;
const IDLE_CHECK_MS_MIN = 1_000;

interface Parts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: Settings;
  readonly replicas: ReplicaManager;
  readonly connections: Connections;
}

export const housekeeping = (parts: Parts): Housekeeping => {
  const { clock, logger, settings, replicas, connections } = parts;
  const repeat = (name: string, intervalMs: () => number, task: () => Promise<void>) =>
    periodically(name, intervalMs, clock, logger, task);
  const repetitions = [
    repeat(
      'retention',
      () => settings.broker['log.retention.check.interval.ms'],
      () => forEachLog(parts, 'retention', (log) => log.enforceRetention()),
    ),
    repeat(
      'compaction',
      () => settings.broker['log.cleaner.backoff.ms'],
      () => compactDirtiest(parts),
    ),
    repeat(
      'recovery points',
      () => settings.broker['log.flush.offset.checkpoint.interval.ms'],
      () => replicas.checkpointRecoveryPoints(),
    ),
    repeat(
      'high watermarks',
      () => settings.broker['replica.high.watermark.checkpoint.interval.ms'],
      () => replicas.checkpointHighWatermarks(),
    ),
    repeat(
      'log start checkpoint',
      () => settings.broker['log.flush.offset.checkpoint.interval.ms'],
      () => replicas.checkpointLogStarts(),
    ),
    repeat(
      'idle connections',
      () => idleCheckIntervalMs(settings.broker['connections.max.idle.ms']),
      async () => connections.closeIdle(),
    ),
  ];
  return {
    async stop() {
      await Promise.all(repetitions.map((it) => it.stop()));
    },
  };
};

const idleCheckIntervalMs = (idleMs: number): number =>
  Math.min(IDLE_CHECK_MS_MAX, Math.max(IDLE_CHECK_MS_MIN, idleMs / 2));

/** One round of compaction: every log that needs it, the dirtiest first (Kafka's LogCleanerManager). */
const compactDirtiest = async (parts: Parts): Promise<void> => {
  const { settings } = parts;
  if (!settings.broker['log.cleaner.enable']) return;
  const ratios = new Map<PartitionLog, number>();
  await forEachLog(parts, 'compaction', async (log) => {
    if (!log.config.cleanupPolicy.includes('compact')) return;
    const need = await log.compactionNeed();
    if (need.isNeeded) ratios.set(log, need.cleanableRatio);
  });
  const dirtiest = [...ratios].sort(([, a], [, b]) => b - a).map(([log]) => log);
  await forEachLog(
    parts,
    'compaction',
    (log) => log.compact({ mapBytesMax: settings.broker['log.cleaner.dedupe.buffer.size'] }),
    dirtiest,
  );
};

/** Those that are open and serve, one after the other. What goes away meanwhile is nobody's concern. */
const forEachLog = async (
  { replicas, logger }: Parts,
  name: string,
  task: (log: PartitionLog) => Promise<unknown>,
  logs: Iterable<PartitionLog> = [...replicas.all()].flatMap(({ log }) => log ?? []),
): Promise<void> => {
  for (const log of logs) {
    const { topic, partition } = log.topicPartition;
    const serves = (): boolean => {
      const replica = replicas.get(topic, partition);
      return replica?.log === log && (replica.role === 'leader' || replica.role === 'follower');
    };
    if (!serves()) continue;
    try {
      await task(log);
    } catch (error) {
      if (serves()) {
        logger.error(`${name} of ${topic}-${partition} failed and will be tried again`, { error });
      }
    }
  }
};
