/**
 * One run of KafkaJS's consumer: from joining the group until it is stopped or has crashed. Workers (`partitionsConsumedConcurrently`) take what
 * was fetched of one partition as a batch, call the application, and commit as `autoCommit` says.
 *
 * Invariants: a partition is with one worker at a time; what is not resolved when a worker is done with a batch is read again; a rebalance
 * waits for the message in work, commits what is resolved, and nothing of the old assignment is resolved or committed afterwards.
 *
 * Long, because taking a batch, working on it and leaving it must agree on the assignment, the seeks and the pauses of that moment; accounts
 * of offsets and pauses, and batches as the application sees them, are files of their own.
 */
import { ErrorCode } from '@odradek/protocol';
import { Consumer } from '../consumer/consumer.ts';
import type { ConsumerOptions } from '../consumer/consumer-options.ts';
import type { ConsumerRecord } from '../consumer/fetched.ts';
import type { OffsetToCommit } from '../consumer/group-coordinator.ts';
import type { StartingAt } from '../consumer/partition-state.ts';
import { groupByTopic, keyOf } from '../consumer/topic-partition.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { backoffMs, pause } from '../retry.ts';
import { AbortSource } from '../abort-source.ts';
import { describe, toBatch, toMessage } from './consumer-batch.ts';
import type { Taken } from './consumer-batch.ts';
import { ConsumerOffsets } from './consumer-offsets.ts';
import { ConsumerPauses } from './consumer-pauses.ts';
import type { TopicSelection } from './consumer-pauses.ts';
import { consumerEvents } from './constants.ts';
import { afterRetries, isRebalancing, protocolError, toKafkaJS } from './error-mapping.ts';
import { KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } from './errors.ts';
import type { Emitter } from './events.ts';
import type { KafkaJSHost } from './host.ts';
import type { Session } from './session.ts';
import type {
  ConsumerRunConfig,
  Logger,
  Offsets,
  TopicOffsets,
  TopicPartitionOffsetAndMetadata,
  TopicPartitions,
} from './types.ts';

export interface RunOptions<B extends Uint8Array> {
  readonly host: KafkaJSHost<B>;
  readonly session: Session<B>;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly consumer: Omit<ConsumerOptions, 'onAssigned' | 'onRevoked' | 'onLost' | 'autoCommit'>;
  readonly handlers: ConsumerRunConfig<B>;
  readonly emitter: Emitter;
  readonly logger: Logger;
  readonly onCrash: (error: Error) => void;
}

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
  readonly #options: RunOptions<B>;
  readonly #offsets = new ConsumerOffsets();
  readonly #pauses = new ConsumerPauses();
  readonly #seeks = new Map<string, TopicPartition & { readonly to: number | StartingAt }>();
  readonly #busy = new Set<string>();
  readonly #stopping = new AbortSource();
  #consumer: Consumer | undefined;
  /** Counts assignments: what was taken under another one counts for nothing. */
  #assignment = 0;
  #isStable = false;
  #isOver = false;
  #lastCommitMs: number;
  #supervising: Promise<void> = Promise.resolve();

  constructor(options: RunOptions<B>) {
    this.#options = options;
    this.#lastCommitMs = options.host.clock.monotonicMs();
  }

  get consumer(): Consumer | undefined {
    return this.#consumer;
  }

  /** Resolves when it is a member of the group and reads. */
  async start(): Promise<void> {
    const { session, topics } = this.#options;
    const cluster = await session.connected();
    const consumer = new Consumer(cluster, {
      ...this.#options.consumer,
      autoCommit: false,
      onRevoked: async (places) => {
        try {
          if (this.#options.handlers.autoCommit !== false) await this.#commitResolved(places);
        } catch (error) {
          // What is not committed is repeated by whoever has it next.
          this.#options.logger.error(`Offsets were not committed: ${String(error)}`);
        }
        this.#offsets.drop(places);
      },
      onLost: (places) => this.#offsets.drop(places),
    });
    this.#consumer = consumer;
    try {
      await consumer.subscribe(topics);
      await this.#joined(consumer);
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

  seek(place: TopicPartition, to: number | StartingAt): void {
    this.#seeks.set(keyOf(place), { ...place, to });
    if (!this.#busy.has(keyOf(place))) this.#applySeek(place);
  }

  pause(selections: readonly TopicSelection[]): void {
    this.#pauses.pause(selections);
    this.#applyPauses();
  }

  resume(selections: readonly TopicSelection[]): void {
    this.#pauses.resume(selections);
    this.#applyPauses();
  }

  paused(): TopicPartitions[] {
    const paused = (this.#consumer?.assignment ?? []).filter((each) => this.#pauses.has(each));
    return [...groupByTopic(paused)].map(([topic, partitions]) => ({ topic, partitions }));
  }

  async commit(offsets: readonly TopicPartitionOffsetAndMetadata[]): Promise<void> {
    const toCommit = offsets.map(({ topic, partition, offset, metadata }): OffsetToCommit => ({
      topic,
      partition,
      offset: Number(offset),
      ...(metadata != null && { metadata }),
    }));
    if (toCommit.length === 0 || this.#consumer === undefined) return;
    const { emitter, groupId, host, session } = this.#options;
    try {
      await this.#consumer.commit(toCommit);
    } catch (error) {
      const mapped = toKafkaJS(error);
      throw isRebalancing(mapped) ? mapped : afterRetries(error, session.plan);
    }
    this.#offsets.committed(toCommit);
    this.#lastCommitMs = host.clock.monotonicMs();
    emitter.emit(consumerEvents.COMMIT_OFFSETS, {
      groupId,
      memberId: this.#consumer.memberId,
      groupGenerationId: this.#consumer.joined?.generation ?? -1,
      topics: byTopic(offsets),
    });
  }

  // ---- the group ----

  #joined(consumer: Consumer): Promise<void> {
    const { host, emitter, logger, groupId } = this.#options;
    let sinceMs = host.clock.monotonicMs();
    return new Promise((resolve, reject) => {
      this.#stopping.addEventListener('abort', () => resolve());
      consumer.membership!.subscribe((snapshot) => {
        if (snapshot.hasTag('failed')) reject(snapshot.context.error);
        const isStable = snapshot.hasTag('stable');
        if (isStable === this.#isStable) return;
        this.#isStable = isStable;
        if (isStable) {
          this.#assignment += 1;
          this.#adopt(consumer, Math.round(host.clock.monotonicMs() - sinceMs));
          resolve();
        } else if (snapshot.hasTag('rebalancing')) {
          sinceMs = host.clock.monotonicMs();
          const { memberId } = consumer;
          logger.warn('The group is rebalancing, re-joining', { groupId, memberId });
          emitter.emit(consumerEvents.REBALANCING, { groupId, memberId });
        }
      });
    });
  }

  #adopt(consumer: Consumer, duration: number): void {
    const { emitter, logger, groupId, topics } = this.#options;
    const { memberId, generation, leaderId, protocol } = consumer.joined!;
    const assigned = groupByTopic(consumer.assignment);
    const topicsNotSubscribed = [...assigned.keys()].filter((topic) => !topics.includes(topic));
    if (topicsNotSubscribed.length > 0) {
      const payload = {
        groupId,
        generationId: generation,
        memberId,
        assignedTopics: [...assigned.keys()],
        topicsSubscribed: [...topics],
        topicsNotSubscribed,
      };
      emitter.emit(consumerEvents.RECEIVED_UNSUBSCRIBED_TOPICS, payload);
      logger.warn('Consumer group received unsubscribed topics', payload);
      this.#pauses.pause(topicsNotSubscribed.map((topic) => ({ topic })));
    }
    this.#applyPauses();
    for (const each of [...this.#seeks.values()]) this.#applySeek(each);
    const payload = {
      groupId,
      memberId,
      leaderId,
      isLeader: leaderId === memberId,
      memberAssignment: Object.fromEntries(assigned),
      groupProtocol: protocol,
      duration,
    };
    emitter.emit(consumerEvents.GROUP_JOIN, payload);
    logger.info('Consumer has joined the group', payload);
  }

  // ---- workers ----

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
        this.#wakeAll(consumer);
        return;
      }
      if (taken === undefined) {
        await consumer.wait(this.#stopping);
        continue;
      }
      const key = keyOf(taken);
      this.#busy.add(key);
      // Nobody else may take of it meanwhile.
      if (isConcurrent) consumer.pause([taken]);
      try {
        if (this.#isWanted(taken)) await this.#process(consumer, taken, cycle);
      } catch (error) {
        if (!('error' in cycle)) {
          cycle.error = error;
          cycle.failedAt = `${key} ${this.#offsets.resolvedOf(taken)}`;
        }
      } finally {
        this.#busy.delete(key);
        this.#leave(consumer, taken);
        if ('error' in cycle) this.#wakeAll(consumer);
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
    this.#offsets.begin(place, first.offset);
    return { ...place, records, nextOffset, highWatermark, assignment: this.#assignment };
  }

  /** Not when a seek or a pause has come between. */
  #isWanted(taken: Taken): boolean {
    return !this.#seeks.has(keyOf(taken)) && !this.#pauses.has(taken);
  }

  /** Whether the application may go on with it. */
  #isCurrent(taken: Taken): boolean {
    return (
      this.#isStable && taken.assignment === this.#assignment && !this.#seeks.has(keyOf(taken))
    );
  }

  async #process(consumer: Consumer, taken: Taken, cycle: Cycle): Promise<void> {
    const { handlers, emitter, host } = this.#options;
    const startedMs = host.clock.monotonicMs();
    const isHeard =
      emitter.has(consumerEvents.START_BATCH_PROCESS) ||
      emitter.has(consumerEvents.END_BATCH_PROCESS);
    const payload = isHeard ? describe(taken) : undefined;
    emitter.emit(consumerEvents.START_BATCH_PROCESS, payload);
    if (handlers.eachMessage != null) await this.#eachMessage(taken, cycle);
    else if (handlers.eachBatch != null) await this.#eachBatch(consumer, taken);
    const duration = Math.round(host.clock.monotonicMs() - startedMs);
    emitter.emit(consumerEvents.END_BATCH_PROCESS, { ...payload, duration });
    if (handlers.autoCommit !== false) await this.#commitResolved();
  }

  async #eachMessage(taken: Taken, cycle: Cycle): Promise<void> {
    const { topic, partition, records } = taken;
    const { toBuffer } = this.#options.host;
    const heartbeat = (): Promise<void> => this.#heartbeat(taken);
    const pausing = (): (() => void) => this.#pausing(taken);
    const last = records.at(-1);
    for (const record of records) {
      if (this.#isOver || 'error' in cycle || !this.#isCurrent(taken)) return;
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
      if (this.#isCommitDue()) await this.#commitResolved();
      if (this.#pauses.has(taken)) return;
    }
  }

  async #eachBatch(consumer: Consumer, taken: Taken): Promise<void> {
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
          if (offsets !== undefined) await this.commit(flat(offsets.topics));
          else if (this.#isCommitDue()) await this.#commitResolved();
        },
        uncommittedOffsets: () => ({ topics: this.#offsets.uncommitted() }),
        isRunning: () => !this.#isOver,
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
    if (!this.#isStable || taken.assignment !== this.#assignment)
      throw protocolError(
        ErrorCode.REBALANCE_IN_PROGRESS,
        undefined,
        'The group is rebalancing: the batch is somebody else’s now',
      );
  }

  #pausing({ topic, partition }: Taken): () => void {
    const selection = [{ topic, partitions: [partition] }];
    this.pause(selection);
    return () => this.resume(selection);
  }

  async #failed(what: string, taken: Taken, offset: number, error: unknown): Promise<void> {
    const { logger, handlers } = this.#options;
    const { topic, partition } = taken;
    if (!isRebalancing(error))
      logger.error(`Error when calling ${what}`, { topic, partition, offset: `${offset}`, error });
    // What was resolved before counts.
    if (handlers.autoCommit !== false) await this.#commitResolved();
  }

  #resolve(taken: Taken, next: number): void {
    if (taken.assignment === this.#assignment) this.#offsets.resolve(taken, next);
  }

  /** What is not resolved is read again. */
  #leave(consumer: Consumer, taken: Taken): void {
    if (taken.assignment !== this.#assignment || !consumer.isAssigned(taken)) return;
    if (!this.#pauses.has(taken)) consumer.resume([taken]);
    else consumer.pause([taken]);
    if (this.#seeks.has(keyOf(taken))) {
      this.#applySeek(taken);
      return;
    }
    const next = this.#offsets.resolvedOf(taken) ?? taken.records[0]!.offset;
    if (next === taken.nextOffset) for (const record of taken.records) consumer.finished(record);
    else consumer.seek(taken, next);
  }

  /** Workers that wait look again. */
  #wakeAll(consumer: Consumer): void {
    consumer.resume([]);
  }

  // ---- places ----

  #applySeek(place: TopicPartition): void {
    const consumer = this.#consumer;
    const seek = this.#seeks.get(keyOf(place));
    if (seek === undefined || consumer === undefined || !consumer.isAssigned(place)) return;
    this.#seeks.delete(keyOf(place));
    const { topic, partition, to } = seek;
    // A numeric place first: it gives up what is in work.
    consumer.seek({ topic, partition }, typeof to === 'number' ? to : 0);
    if (typeof to !== 'number') consumer.seek({ topic, partition }, to);
    this.#offsets.drop([place]);
    if (typeof to !== 'number' || this.#options.handlers.autoCommit === false) return;
    this.commit([{ topic, partition, offset: String(to) }]).catch((error: unknown) =>
      this.#options.logger.error(`The offset of a seek was not committed: ${String(error)}`),
    );
  }

  #applyPauses(): void {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    const { assignment } = consumer;
    consumer.pause(assignment.filter((each) => this.#pauses.has(each)));
    consumer.resume(
      assignment.filter((each) => !this.#pauses.has(each) && !this.#busy.has(keyOf(each))),
    );
  }

  // ---- commits ----

  #isCommitDue(): boolean {
    const { handlers, host } = this.#options;
    const { autoCommit, autoCommitInterval, autoCommitThreshold } = handlers;
    if (autoCommit === false) return false;
    return (
      (autoCommitInterval != null &&
        host.clock.monotonicMs() >= this.#lastCommitMs + autoCommitInterval) ||
      (autoCommitThreshold != null && this.#offsets.pendingCount >= autoCommitThreshold)
    );
  }

  /** When the group has gone on, what is not committed is repeated by whoever has it now. */
  async #commitResolved(places?: readonly TopicPartition[]): Promise<void> {
    try {
      await this.commit(flat(this.#offsets.uncommitted(places)));
    } catch (error) {
      if (!isRebalancing(error)) throw error;
    }
  }
}

const mayTryAgain = (error: Error): boolean =>
  (error as { readonly retriable?: unknown }).retriable !== false && !UNRECOVERABLE.has(error.name);

const flat = (topics: readonly TopicOffsets[]): TopicPartitionOffsetAndMetadata[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map((each) => ({ topic, ...each })));

function byTopic(offsets: readonly TopicPartitionOffsetAndMetadata[]): TopicOffsets[] {
  const topics = new Map<string, TopicOffsets>();
  for (const { topic, partition, offset } of offsets) {
    const entry = topics.get(topic) ?? { topic, partitions: [] };
    topics.set(topic, entry);
    entry.partitions.push({ partition, offset });
  }
  return [...topics.values()];
}
