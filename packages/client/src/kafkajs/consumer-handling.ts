/**
 * A batch in the application's hands: `eachMessage` and `eachBatch` are called as KafkaJS calls them, and what they resolve is noted and
 * committed. Once the assignment has changed nothing of the batch counts any more.
 */
import { ErrorCode } from '@odradek/protocol';
import { consumerEvents } from './constants.ts';
import { describe, toBatch, toMessage } from './consumer-batch.ts';
import type { Taken } from './consumer-batch.ts';
import { flat } from './consumer-commits.ts';
import type { ConsumerCommits } from './consumer-commits.ts';
import type { ConsumerPlaces } from './consumer-places.ts';
import type { ConsumerStanding } from './consumer-standing.ts';
import { isRebalancing, protocolError } from './error-mapping.ts';
import type { RunOptions } from './run-options.ts';
import type { Offsets } from './types.ts';

export class ConsumerHandling<B extends Uint8Array> {
  readonly #options: RunOptions<B>;
  readonly #commits: ConsumerCommits<B>;
  readonly #places: ConsumerPlaces;
  readonly #standing: ConsumerStanding<B>;
  readonly #isOver: () => boolean;

  constructor(
    options: RunOptions<B>,
    commits: ConsumerCommits<B>,
    places: ConsumerPlaces,
    standing: ConsumerStanding<B>,
    isOver: () => boolean,
  ) {
    this.#options = options;
    this.#commits = commits;
    this.#places = places;
    this.#standing = standing;
    this.#isOver = isOver;
  }

  /** Rejects with what the application threw; its message was logged and what was resolved before it committed. */
  async process(taken: Taken, isStopped: () => boolean): Promise<void> {
    const { handlers, emitter, host } = this.#options;
    const startedMs = host.clock.monotonicMs();
    const isHeard =
      emitter.has(consumerEvents.START_BATCH_PROCESS) ||
      emitter.has(consumerEvents.END_BATCH_PROCESS);
    const payload = isHeard ? describe(taken) : undefined;
    emitter.emit(consumerEvents.START_BATCH_PROCESS, payload);
    if (handlers.eachMessage != null) await this.#eachMessage(taken, isStopped);
    else if (handlers.eachBatch != null) await this.#eachBatch(taken);
    const duration = Math.round(host.clock.monotonicMs() - startedMs);
    emitter.emit(consumerEvents.END_BATCH_PROCESS, { ...payload, duration });
    if (this.#commits.isAutomatic) await this.#commits.commitResolved();
  }

  async #eachMessage(taken: Taken, isStopped: () => boolean): Promise<void> {
    const { topic, partition, records } = taken;
    const { toBuffer } = this.#options.host;
    const heartbeat = (): Promise<void> => this.#heartbeat(taken);
    const pausing = (): (() => void) => this.#pausing(taken);
    const last = records.at(-1);
    for (const record of records) {
      if (isStopped() || !this.#isCurrent(taken)) return;
      try {
        await this.#options.handlers.eachMessage!({
          topic,
          partition,
          message: toMessage(record, toBuffer),
          heartbeat,
          pause: pausing,
        });
      } catch (error) {
        await this.#failed('eachMessage', taken, record.offset, error);
        throw error;
      }
      this.#resolve(taken, record === last ? taken.nextOffset : record.offset + 1);
      if (this.#commits.isDue) await this.#commits.commitResolved();
      if (this.#places.isPaused(taken)) return;
    }
  }

  async #eachBatch(taken: Taken): Promise<void> {
    const { handlers, host } = this.#options;
    const lastOffset = taken.records.at(-1)!.offset;
    try {
      await handlers.eachBatch!({
        batch: toBatch(taken, host.toBuffer),
        resolveOffset: (offset) => {
          const resolved = Number(offset);
          this.#resolve(taken, resolved === lastOffset ? taken.nextOffset : resolved + 1);
        },
        heartbeat: () => this.#heartbeat(taken),
        pause: () => this.#pausing(taken),
        commitOffsetsIfNecessary: async (offsets?: Offsets) => {
          if (offsets !== undefined) await this.#commits.commit(flat(offsets.topics));
          else if (this.#commits.isDue) await this.#commits.commitResolved();
        },
        uncommittedOffsets: () => ({ topics: this.#commits.offsets.uncommitted() }),
        isRunning: () => !this.#isOver(),
        isStale: () => !this.#isCurrent(taken),
      });
    } catch (error) {
      await this.#failed('eachBatch', taken, taken.records[0]!.offset, error);
      throw error;
    }
    if (handlers.eachBatchAutoResolve !== false) this.#resolve(taken, taken.nextOffset);
  }

  /** Heartbeats go out by themselves. What is left for this one is to tell that the group goes on without the batch. */
  async #heartbeat(taken: Taken): Promise<void> {
    if (!this.#standing.isStable || taken.assignment !== this.#standing.assignment)
      throw protocolError(
        ErrorCode.REBALANCE_IN_PROGRESS,
        undefined,
        'The group is rebalancing: the batch is somebody else’s now',
      );
  }

  #pausing({ topic, partition }: Taken): () => void {
    const selection = [{ topic, partitions: [partition] }];
    this.#places.pause(selection);
    return () => this.#places.resume(selection);
  }

  async #failed(what: string, taken: Taken, offset: number, error: unknown): Promise<void> {
    const { logger } = this.#options;
    const { topic, partition } = taken;
    if (!isRebalancing(error))
      logger.error(`Error when calling ${what}`, { topic, partition, offset: `${offset}`, error });
    // What was resolved before counts.
    if (this.#commits.isAutomatic) await this.#commits.commitResolved();
  }

  /** Whether the application may go on with it. */
  #isCurrent(taken: Taken): boolean {
    const { isStable, assignment } = this.#standing;
    return isStable && taken.assignment === assignment && !this.#places.isSought(taken);
  }

  #resolve(taken: Taken, next: number): void {
    if (taken.assignment === this.#standing.assignment) this.#commits.offsets.resolve(taken, next);
  }
}
