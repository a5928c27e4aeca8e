/** What the broker provides to its group coordinator. */
import type { ErrorCode, Uuid } from '@odradek/protocol';
import type { Clock, Compression, Logger, Mutants, Random } from '@odradek/ports';
import type { GroupConfig } from './config.ts';
import type { RecordBytes } from './records/records.ts';

export interface CoordinatorHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Read anew at each use, so that it may change while running. */
  readonly config: GroupConfig;
  /** For logs that Kafka wrote compressed. */
  readonly compression: Compression;
  /**
   * Appends the records to `__consumer_offsets-<partition>` as one batch, in call order, and settles when their fate is known, in
   * call order too: NONE when the high watermark has passed them; a code when they are not in the log, or when this broker's
   * leadership of the partition is over (`unload` follows). "Not known yet" is no answer: the coordinator itself sees to it that
   * clients do not wait longer than offsets.commit.timeout.ms.
   */
  append(partition: number, records: readonly RecordBytes[]): Promise<ErrorCode>;
  topicExists(topic: string, partition: number): boolean;
  /** For requests that name topics by id (OffsetCommit and OffsetFetch from version 10 on). */
  topicName(topicId: Uuid): string | undefined;
  topicId(topic: string): Uuid | undefined;
  /** Of a simulation (ports/src/probe.ts). */
  readonly mutants?: Mutants | undefined;
}
