/**
 * What is noted of logs beside their folders, for the next start. Of a log that is not open what was read at the start holds on,
 * for as long as it could not be opened; of one that is open the log itself says it.
 */
import type { OffsetCheckpoint, PartitionLog } from '@odradek/log';
import type { Crc32c, Logger, Volume } from '@odradek/ports';
import type { Offset } from '@odradek/protocol';
import { CheckpointFiles } from '../checkpoint-files.ts';
import { sharing } from '../sharing.ts';

const RECOVERY_POINTS = 'recovery-point-offset-checkpoint';
const LOG_STARTS = 'log-start-offset-checkpoint';
const HIGH_WATERMARKS = 'replication-offset-checkpoint';
const FIRST_DIRTY = 'cleaner-offset-checkpoint';
/** What becomes of it when one is lost, for people. */
const WITHOUT: Readonly<Record<string, string>> = {
  [RECOVERY_POINTS]: 'after an unclean stop all logs are read from their start',
  [LOG_STARTS]: 'deleted records whose files are still there come back',
  [FIRST_DIRTY]: 'compacted logs are read from their start',
};

interface HostedLog {
  readonly topic: string;
  readonly partition: number;
  readonly log: PartitionLog | undefined;
}

export interface NotedOffsets {
  readonly recoveryPoint: Offset | undefined;
  readonly logStartOffset: Offset | undefined;
  readonly firstDirtyOffset: Offset | undefined;
}

export const idOf = (topic: string, partition: number): string => `${topic}-${partition}`;

export class ReplicaCheckpoints {
  readonly #files: CheckpointFiles;
  readonly #logger: Logger;
  readonly #hosted: () => Iterable<HostedLog>;
  #recoveryPoints = new Map<string, Offset>();
  #logStarts = new Map<string, Offset>();
  #firstDirty = new Map<string, Offset>();

  /** How far each log is known to be flushed, and cleaned. Cheap to lose: recovery then reads more. */
  readonly writeRecoveryPoints = sharing(async () => {
    await this.#write(RECOVERY_POINTS, this.#recoveryPoints, (log) => log.recoveryPoint);
    await this.#write(FIRST_DIRTY, this.#firstDirty, (log) => log.firstDirtyOffset);
  });

  readonly writeHighWatermarks = sharing(() =>
    this.#write(HIGH_WATERMARKS, new Map(), (log) => log.highWatermark),
  );

  /** Records that were deleted must not come back after a crash: resolves when what was deleted before the call is noted. */
  readonly writeLogStarts = sharing(() =>
    this.#write(LOG_STARTS, this.#logStarts, (log) => log.logStartOffset),
  );

  constructor(options: {
    readonly volume: Volume;
    readonly crc32c: Crc32c;
    readonly logger: Logger;
    readonly hosted: () => Iterable<HostedLog>;
  }) {
    this.#files = new CheckpointFiles(options);
    this.#logger = options.logger;
    this.#hosted = options.hosted;
  }

  /** At the start, before any log is opened. */
  async read(): Promise<void> {
    await this.#files.open();
    this.#recoveryPoints = await this.#read(RECOVERY_POINTS);
    this.#logStarts = await this.#read(LOG_STARTS);
    this.#firstDirty = await this.#read(FIRST_DIRTY);
  }

  of(topic: string, partition: number): NotedOffsets {
    const id = idOf(topic, partition);
    return {
      recoveryPoint: this.#recoveryPoints.get(id),
      logStartOffset: this.#logStarts.get(id),
      firstDirtyOffset: this.#firstDirty.get(id),
    };
  }

  /** The log is open, or is no more. */
  forget(topic: string, partition: number): void {
    const id = idOf(topic, partition);
    this.#recoveryPoints.delete(id);
    this.#logStarts.delete(id);
    this.#firstDirty.delete(id);
  }

  /**
   * After a removal, before a log of the same name may begin: what was noted of the old one must not be held against the new
   * one, which would be taken for one that had lost its records.
   */
  async rewrite(): Promise<void> {
    await this.writeLogStarts();
    await this.writeRecoveryPoints();
  }

  async #read(name: string): Promise<Map<string, Offset>> {
    const entries = await this.#files.read(name);
    if (entries === undefined) this.#logger.warn(`${name} is damaged: ${WITHOUT[name]}`);
    return new Map((entries ?? []).map((it) => [idOf(it.topic, it.partition), it.offset]));
  }

  async #write(
    name: string,
    ofUnopened: ReadonlyMap<string, Offset>,
    offsetOf: (log: PartitionLog) => Offset,
  ): Promise<void> {
    const entries: OffsetCheckpoint[] = [];
    for (const { topic, partition, log } of this.#hosted()) {
      const offset = log === undefined ? ofUnopened.get(idOf(topic, partition)) : offsetOf(log);
      if (offset !== undefined) entries.push({ topic, partition, offset });
    }
    await this.#files.write(name, entries);
  }
}
