import type { CompressionName } from '@odradek/ports';
import type { CaseName, Sample } from '../record-cases.ts';

export type Codec = CompressionName | 'none';

/** A client of Kafka's. What is written it must read, all of it. */
export interface RecordClient {
  readonly codecs: readonly Codec[];
  /** Cases that it cannot write. */
  readonly cannotWrite: readonly CaseName[];
  /** In one batch, in this order. */
  write(topic: string, codec: Codec, samples: readonly Sample[]): Promise<void>;
  /** From the beginning, so many. */
  read(topic: string, count: number): Promise<readonly (Sample & { timestampMs: number })[]>;
}
