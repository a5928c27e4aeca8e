/** What a broker does by the clock: retention, compaction, checkpoints, forgetting old producers, closing idle connections. */
import type { PartitionLog } from '@odradek/log';
import type { Clock, Logger, Volume } from '@odradek/ports';
import type { Connections } from './connection/connections.ts';
import { periodically } from './periodically.ts';
import type { ReplicaManager } from './replica-manager.ts';
import type { Settings } from './settings.ts';

export interface Housekeeping {
  stop(): Promise<void>;
}

/** How often idle connections are looked for, at most. */
const IDLE_CHECK_MS_MAX = 30_000;

export const housekeeping = (parts: {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: Settings;
  readonly replicas: ReplicaManager;
  readonly connections: Connections;
  readonly volume: Volume;
}): Housekeeping => {
  const { clock, logger, settings, replicas, connections } = parts;
  const repeat = (name: string, intervalMs: () => number, task: () => Promise<void>) =>
    periodically(name, intervalMs, clock, logger, task);
  const repetitions = [
    repeat('retention', () => settings.broker['log.retention.check.interval.ms'], async () => {
      for (const { log } of replicas.all()) await log?.enforceRetention();
    }),
    repeat('compaction', () => settings.broker['log.cleaner.backoff.ms'], () => compactDirtiest(settings, replicas)),
    repeat('recovery points', () => settings.broker['log.flush.offset.checkpoint.interval.ms'], () =>
      replicas.checkpointRecoveryPoints(),
    ),
    repeat('high watermarks', () => settings.broker['replica.high.watermark.checkpoint.interval.ms'], () =>
      replicas.checkpointHighWatermarks(),
    ),
    repeat('log start checkpoint', () => settings.broker['log.flush.offset.checkpoint.interval.ms'], () =>
      replicas.checkpointLogStarts(),
    ),
    repeat(
      'idle connections',
      () => Math.min(IDLE_CHECK_MS_MAX, Math.max(1_000, settings.broker['connections.max.idle.ms'] / 2)),
      async () => connections.closeIdle(),
    ),
  ];
  return {
    async stop() {
      await Promise.all(repetitions.map((it) => it.stop()));
    },
  };
};

/** One round of compaction: every log that needs it, the dirtiest first (Kafka's LogCleanerManager). */
const compactDirtiest = async (settings: Settings, replicas: ReplicaManager): Promise<void> => {
  if (!settings.broker['log.cleaner.enable']) return;
  const dirty: { log: PartitionLog; ratio: number }[] = [];
  for (const { log } of replicas.all()) {
    if (log === undefined || !log.config.cleanupPolicy.includes('compact')) continue;
    const need = await log.compactionNeed();
    if (need.isNeeded) dirty.push({ log, ratio: need.cleanableRatio });
  }
  dirty.sort((a, b) => b.ratio - a.ratio);
  for (const { log } of dirty) {
    await log.compact({ mapBytesMax: settings.broker['log.cleaner.dedupe.buffer.size'] });
  }
};
