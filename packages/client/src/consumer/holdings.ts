/**
 * What the parts of one consumer share: the partitions that it holds, whether it is over and why, and who waits for what. A state that is taken
 * from here is held no more (`isHeld`): whoever comes back to it after a wait asks for that first.
 */
import type { TimerHandle } from '@odradek/ports';
import type { Cluster } from '../cluster.ts';
import { ClientClosed, asError } from '../errors.ts';
import type { ConsumerSettings } from './consumer-options.ts';
import { PartitionState } from './partition-state.ts';
import { keyOf, partitionKey } from './topic-partition.ts';
import type { TopicPartition } from './topic-partition.ts';

export class Holdings {
  readonly cluster: Cluster;
  readonly settings: ConsumerSettings;
  /** In the order in which they are served: who was served goes to the end. */
  readonly partitions = new Map<string, PartitionState>();
  failure: Error | undefined;
  /** What may pass by itself but has lasted: told once, to who asks next. */
  #complaint: Error | undefined;
  isClosed = false;
  /** Starts whatever can be started: looking up positions, and fetches. */
  pump: () => void = () => {};
  /** Those who wait for records. */
  readonly #pollers = new Set<() => void>();
  /** Those who wait until nothing of theirs is in work. */
  readonly #idleWaiters = new Set<() => void>();
  readonly #timers = new Set<TimerHandle>();

  constructor(cluster: Cluster, settings: ConsumerSettings) {
    this.cluster = cluster;
    this.settings = settings;
  }

  /** Closed, with or without its client, or failed. */
  get isOver(): boolean {
    return this.isClosed || this.cluster.isClosed || this.failure !== undefined;
  }

  get states(): readonly PartitionState[] {
    return [...this.partitions.values()];
  }

  get places(): readonly TopicPartition[] {
    return this.states.map(placeOf);
  }

  find({ topic, partition }: TopicPartition): PartitionState | undefined {
    return this.partitions.get(partitionKey(topic, partition));
  }

  /** Throws where it is not held. */
  owned(place: TopicPartition): PartitionState {
    const state = this.find(place);
    if (state === undefined)
      throw new RangeError(`${place.topic}-${place.partition} is not assigned`);
    return state;
  }

  add({ topic, partition }: TopicPartition): void {
    const state = new PartitionState(topic, partition);
    state.isHeld = true;
    this.partitions.set(keyOf(state), state);
  }

  drop(state: PartitionState): void {
    state.dropFetched();
    state.isHeld = false;
    if (this.find(state) === state) this.partitions.delete(keyOf(state));
  }

  throwIfOver(): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.isOver) throw new ClientClosed('the consumer is closed');
  }

  /** The first reason counts. */
  fail(error: unknown): void {
    this.failure ??= asError(error);
    this.tellPollers();
    this.tellIdle();
  }

  complain(error: Error): void {
    this.#complaint = error;
    this.tellPollers();
  }

  throwComplaint(): void {
    const complaint = this.#complaint;
    this.#complaint = undefined;
    if (complaint !== undefined) throw complaint;
  }

  tellPollers(): void {
    for (const tell of [...this.#pollers]) tell();
  }

  tellIdle(): void {
    for (const tell of [...this.#idleWaiters]) tell();
  }

  /** Calls `tell` whenever there may be records to take; the function returned ends it. */
  onNews(tell: () => void): () => void {
    this.#pollers.add(tell);
    return () => void this.#pollers.delete(tell);
  }

  /** Until none of the records in work is theirs, or the time is over. */
  settled(states: readonly PartitionState[], timeoutMs: number): Promise<void> {
    const isIdle = (): boolean =>
      this.failure !== undefined || states.every((state) => !state.isHeld || !state.prefix.hasWork);
    if (isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#idleWaiters.delete(look);
        this.#cancel(timer);
        resolve();
      };
      const look = (): void => {
        if (isIdle()) done();
      };
      const timer = this.#after(timeoutMs, done);
      this.#idleWaiters.add(look);
    });
  }

  /** Again and again until it is over. */
  every(intervalMs: number, work: () => Promise<void>): void {
    this.#after(
      intervalMs,
      () =>
        void work().then(() => {
          if (!this.isOver) this.every(intervalMs, work);
        }),
    );
  }

  close(): void {
    this.isClosed = true;
    for (const timer of [...this.#timers]) this.#cancel(timer);
    for (const state of this.states) this.drop(state);
    this.tellPollers();
  }

  #after(delayMs: number, work: () => void): TimerHandle {
    const timer = this.cluster.host.clock.setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, delayMs);
    this.#timers.add(timer);
    return timer;
  }

  #cancel(timer: TimerHandle): void {
    this.cluster.host.clock.clearTimeout(timer);
    this.#timers.delete(timer);
  }
}

export const placeOf = ({ topic, partition }: TopicPartition): TopicPartition => ({
  topic,
  partition,
});
