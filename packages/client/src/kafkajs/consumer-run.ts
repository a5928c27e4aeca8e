/**
 * One run of KafkaJS's consumer: from joining the group until it is stopped or has crashed. Workers (`partitionsConsumedConcurrently`) take what
 * was fetched of one partition as a batch, hand it to the application (consumer-handling.ts), and leave it.
 *
 * Invariants: a partition is with one worker at a time; what is not resolved when a worker is done with a batch is read again; a rebalance
 * waits for the message in work, commits what is resolved, and nothing of the old assignment is resolved or committed afterwards.
 */
import { Consumer } from '../consumer/consumer.ts';
import type { ConsumerRecord } from '../consumer/fetched.ts';
import type { StartingAt } from '../consumer/partition-state.ts';
import { keyOf } from '../consumer/topic-partition.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { AbortSource } from '../abort-source.ts';
import { backoffMs, pause } from '../retry.ts';
import type { Taken } from './consumer-batch.ts';
import { ConsumerCommits } from './consumer-commits.ts';
import { ConsumerHandling } from './consumer-handling.ts';
import { ConsumerPlaces } from './consumer-places.ts';
import { ConsumerStanding } from './consumer-standing.ts';
import { afterRetries, isRebalancing } from './error-mapping.ts';
import { KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } from './errors.ts';
import type { RunOptions } from './run-options.ts';

/** Workers that go on until one of them fails. */
interface Cycle {
  error?: unknown;
  failedAt?: string;
}

/** Errors in a program do not go away when it is run again. */
const UNRECOVERABLE: ReadonlySet<string> = new Set([
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
]);

export class ConsumerRun<B extends Uint8Array> {
  readonly commits: ConsumerCommits<B>;
  readonly places: ConsumerPlaces;
  readonly #options: RunOptions<B>;
  readonly #standing: ConsumerStanding<B>;
  readonly #handling: ConsumerHandling<B>;
  readonly #stopping = new AbortSource();
  #consumer: Consumer | undefined;
  #isOver = false;
  #supervising: Promise<void> = Promise.resolve();

  constructor(options: RunOptions<B>) {
    this.#options = options;
    this.commits = new ConsumerCommits(options);
    this.places = new ConsumerPlaces((place, to) => this.#sought(place, to));
    this.#standing = new ConsumerStanding(options, (topicsNotSubscribed) => {
      this.places.pause(topicsNotSubscribed.map((topic) => ({ topic })));
      this.places.applyAll();
    });
    this.#handling = new ConsumerHandling(
      options,
      this.commits,
      this.places,
      this.#standing,
      () => this.#isOver,
    );
  }

  get consumer(): Consumer | undefined {
    return this.#consumer;
  }

  /** Resolves when it is a member of the group and reads. */
  async start(): Promise<void> {
    const { session, topics, logger } = this.#options;
    const { offsets } = this.commits;
    const cluster = await session.connected();
    const consumer = new Consumer(cluster, {
      ...this.#options.consumer,
      autoCommit: false,
      onRevoked: async (places) => {
        try {
          if (this.commits.isAutomatic) await this.commits.commitResolved(places);
        } catch (error) {
          // What is not committed is repeated by whoever has it next.
          logger.error(`Offsets were not committed: ${String(error)}`);
        }
        offsets.drop(places);
      },
      onLost: (places) => offsets.drop(places),
    });
    this.#consumer = consumer;
    this.commits.consumer = consumer;
    this.places.consumer = consumer;
    try {
      await consumer.subscribe(topics);
      await this.#standing.joined(consumer, this.#stopping);
    } catch (error) {
      this.#isOver = true;
      await consumer.close({ abandon: true });
      throw afterRetries(error, session.plan);
    }
    if (!this.#isOver) this.#supervising = this.#supervise(consumer);
  }

  /** Lets the message in work end, commits, and leaves the group. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#stopping.abort('stopped');
    await this.#supervising;
    await this.#consumer?.close();
  }

  /** What was resolved before counts for nothing; the place itself is committed, unless it is still to be looked up. */
  #sought(place: TopicPartition, to: number | StartingAt): void {
    this.commits.offsets.drop([place]);
    if (typeof to !== 'number' || !this.commits.isAutomatic) return;
    this.commits
      .commit([{ ...place, offset: String(to) }])
      .catch((error: unknown) =>
        this.#options.logger.error(`The offset of a seek was not committed: ${String(error)}`),
      );
  }

  async #supervise(consumer: Consumer): Promise<void> {
    const { handlers, host, session, logger, groupId } = this.#options;
    const workers = Math.max(1, handlers.partitionsConsumedConcurrently ?? 1);
    const { plan } = session;
    let failures = 0;
    let failedAt: string | undefined;
    while (!this.#isOver) {
      const cycle: Cycle = {};
      await Promise.all(Array.from({ length: workers }, () => this.#work(consumer, cycle)));
      // What fails at the end was logged; nobody is there to try it again.
      if (this.#isOver || !('error' in cycle)) return;
      const { error } = cycle;
      if (isRebalancing(error)) continue;
      // The same message again, or another one.
      failures = cycle.failedAt !== undefined && cycle.failedAt === failedAt ? failures + 1 : 1;
      failedAt = cycle.failedAt;
      const failure = error instanceof Error ? error : new Error(String(error));
      const isHopeless = cycle.failedAt === undefined || !mayTryAgain(failure);
      if (isHopeless || failures > plan.retries) {
        this.#isOver = true;
        this.#options.onCrash(
          cycle.failedAt === undefined
            ? afterRetries(error, plan)
            : isHopeless
              ? new KafkaJSNonRetriableError(failure, { cause: failure })
              : new KafkaJSNumberOfRetriesExceeded(failure, plan.spent),
        );
        return;
      }
      logger.debug('Error while processing, trying again...', { groupId, error: failure.message });
      await pause(host, backoffMs(host, plan.policy, failures - 1), this.#stopping).catch(() => {});
    }
  }

  async #work(consumer: Consumer, cycle: Cycle): Promise<void> {
    const isConcurrent = (this.#options.handlers.partitionsConsumedConcurrently ?? 1) > 1;
    while (!this.#isOver && !('error' in cycle)) {
      let taken: Taken | undefined;
      try {
        taken = this.#take(consumer);
      } catch (error) {
        cycle.error ??= error;
        wakeAll(consumer);
        return;
      }
      if (taken === undefined) {
        await consumer.wait(this.#stopping);
        continue;
      }
      this.places.occupy(taken);
      // Nobody else may take of it meanwhile.
      if (isConcurrent) consumer.pause([taken]);
      try {
        // Not when a seek or a pause has come between.
        if (!this.places.isSought(taken) && !this.places.isPaused(taken))
          await this.#handling.process(taken, () => this.#isOver || 'error' in cycle);
      } catch (error) {
        if (!('error' in cycle)) {
          cycle.error = error;
          cycle.failedAt = `${keyOf(taken)} ${this.commits.offsets.resolvedOf(taken)}`;
        }
      } finally {
        this.places.release(taken);
        this.#leave(consumer, taken);
        if ('error' in cycle) wakeAll(consumer);
      }
    }
  }

  /** What is there of one partition, in one batch. */
  #take(consumer: Consumer): Taken | undefined {
    const first = consumer.take();
    if (first === undefined) return undefined;
    const { topic, partition } = first;
    const place = { topic, partition };
    const records: ConsumerRecord[] = [first];
    for (let more = consumer.more(place); more !== undefined; more = consumer.more(place))
      for (const record of more.records) records.push(record);
    const nextOffset = consumer.position(place) ?? records.at(-1)!.offset + 1;
    const highWatermark = nextOffset + (consumer.lag(place) ?? 0);
    this.commits.offsets.begin(place, first.offset);
    return { ...place, records, nextOffset, highWatermark, assignment: this.#standing.assignment };
  }

  /** What is not resolved is read again. */
  #leave(consumer: Consumer, taken: Taken): void {
    if (taken.assignment !== this.#standing.assignment || !consumer.isAssigned(taken)) return;
    if (!this.places.isPaused(taken)) consumer.resume([taken]);
    else consumer.pause([taken]);
    if (this.places.isSought(taken)) {
      this.places.applySeek(taken);
      return;
    }
    const next = this.commits.offsets.resolvedOf(taken) ?? taken.records[0]!.offset;
    if (next === taken.nextOffset) for (const record of taken.records) consumer.finished(record);
    else consumer.seek(taken, next);
  }
}

/** Workers that wait look again. */
const wakeAll = (consumer: Consumer): void => consumer.resume([]);

const mayTryAgain = (error: Error): boolean =>
  (error as { readonly retriable?: unknown }).retriable !== false && !UNRECOVERABLE.has(error.name);
