/**
 * A member of a consumer group: works on what it is handed for a while, and commits what it has done. It may be killed in the
 * middle, leave, or stand still for longer than its session.
 */
import { Consumer, type AssignorName } from '@odradek/client';
import type { GroupCheck } from '../checkers/group.ts';
import { decodeValue, type History, type PartitionHistory } from '../checkers/history.ts';
import { ReaderCheck } from '../checkers/reader.ts';
import type { Process } from '../time/process.ts';
import {
  startClient,
  wordsOfError,
  type Actor,
  type ClientRun,
  type ClientWorld,
} from './client-host.ts';

export interface GroupingOptions {
  readonly machine: string;
  readonly name: string;
  readonly group: string;
  readonly partitions: readonly PartitionHistory[];
  readonly history: History;
  readonly check: GroupCheck;
  readonly assignor: AssignorName;
  readonly maxWaitMs: number;
  readonly sessionTimeoutMs: number;
  readonly rackId: string;
}

const AGAIN_AFTER_MS = 500;
const WORK_MS_MAX = 30;
/** A commit follows a batch with this probability. */
const COMMITS = 0.4;
/** After a batch a member leaves in order with this probability, and comes again. */
const LEAVES = 0.005;

export class Grouping implements Actor {
  readonly machine: string;
  process: Process | undefined;
  readonly #world: ClientWorld;
  readonly #options: GroupingOptions;
  readonly #byPlace: ReadonlyMap<string, PartitionHistory>;
  #consumer: Consumer | undefined;
  #runs = 0;

  constructor(world: ClientWorld, options: GroupingOptions) {
    this.#world = world;
    this.#options = options;
    this.machine = options.machine;
    this.#byPlace = new Map(options.partitions.map((it) => [`${it.topic}/${it.partition}`, it]));
  }

  start(): void {
    this.#runs += 1;
    const run = startClient(this.#world, this.machine, `${this.#options.name}.${this.#runs}`);
    this.process = run.process;
    void this.#work(run);
  }

  kill(): void {
    this.process?.end();
    this.process = undefined;
    this.#consumer = undefined;
  }

  /** The partitions that it believes to own. */
  get owned(): readonly PartitionHistory[] {
    if (this.process === undefined) return [];
    return (this.#consumer?.assignment ?? []).flatMap(
      ({ topic, partition }) => this.#byPlace.get(`${topic}/${partition}`) ?? [],
    );
  }

  /** Which generation of the group it belongs to; undefined when it is not settled in one. */
  get generation(): number | undefined {
    return this.process === undefined ? undefined : this.#consumer?.joined?.generation;
  }

  async #work(run: ClientRun): Promise<void> {
    const { scheduler } = this.#world;
    const { group, assignor, maxWaitMs, sessionTimeoutMs, partitions, rackId } = this.#options;
    for (;;) {
      const session = new Session(run.process.name, this.#options, () => consumer);
      const consumer: Consumer = new Consumer(run.cluster, {
        group,
        from: 'earliest',
        autoCommit: false,
        assignors: [assignor],
        maxWaitMs,
        rackId,
        sessionTimeoutMs,
        rebalanceTimeoutMs: sessionTimeoutMs * 2,
        heartbeatIntervalMs: Math.round(sessionTimeoutMs / 3),
        onAssigned: (places) => session.assigned(this.#known(places)),
      });
      this.#consumer = consumer;
      try {
        await consumer.subscribe([...new Set(partitions.map(({ topic }) => topic))]);
        for (;;) {
          const batch = await consumer.poll();
          if (batch === undefined) continue;
          const partition = this.#byPlace.get(`${batch.topic}/${batch.partition}`)!;
          for (const record of batch.records)
            session.polled(partition, record.offset, decodeValue(record.value));
          if (run.chance.happens(0.5))
            await scheduler.sleep(run.chance.between(0, WORK_MS_MAX), run.process);
          for (const record of batch.records) consumer.finished(record);
          if (run.chance.happens(COMMITS)) await session.commit(partition);
          if (run.chance.happens(LEAVES)) {
            await consumer.close();
            throw new Left('it has left');
          }
        }
      } catch (error) {
        scheduler.trace.say(run.process.name, `begins again: ${wordsOfError(error)}`);
        await consumer.close({ abandon: true }).catch(() => {});
        await scheduler.sleep(AGAIN_AFTER_MS, run.process);
      }
    }
  }

  #known(places: readonly { topic: string; partition: number }[]): readonly PartitionHistory[] {
    return places.flatMap(
      ({ topic, partition }) => this.#byPlace.get(`${topic}/${partition}`) ?? [],
    );
  }

  /** What it has done with, committed as of now: for the end, when all is read. */
  async commitAll(): Promise<void> {
    await this.#consumer?.commit().catch(() => {});
  }
}

class Left extends Error {
  override readonly name = 'Left';
}

/** One membership, as the checkers see it. */
class Session {
  readonly #who: string;
  readonly #options: GroupingOptions;
  readonly #consumer: () => Consumer;
  readonly #reader: ReaderCheck;
  /** Just assigned: what was committed at that time. */
  readonly #floors = new Map<PartitionHistory, number>();

  constructor(who: string, options: GroupingOptions, consumer: () => Consumer) {
    this.#who = who;
    this.#options = options;
    this.#consumer = consumer;
    this.#reader = new ReaderCheck(options.history, who);
  }

  assigned(partitions: readonly PartitionHistory[]): void {
    const { check } = this.#options;
    const generation = this.#consumer().joined?.generation;
    for (const partition of partitions) {
      this.#reader.restarts(partition);
      this.#floors.set(partition, check.committed(partition));
      if (generation !== undefined) check.assigned(partition, generation, this.#who);
    }
  }

  polled(partition: PartitionHistory, offset: number, value: string): void {
    const { check } = this.#options;
    const floor = this.#floors.get(partition);
    if (floor !== undefined) {
      check.begins(partition, offset, floor, this.#who);
      this.#floors.delete(partition);
    }
    this.#reader.polled(partition, offset, value);
    check.read(partition, offset);
  }

  async commit(partition: PartitionHistory): Promise<void> {
    const { check } = this.#options;
    const { topic, partition: index } = partition;
    const next = this.#reader.next(partition);
    if (next === undefined) return;
    const floor = check.commitInvoked(partition, next);
    try {
      await this.#consumer().commit([{ topic, partition: index, offset: next }]);
      check.commitAcknowledged(partition, next, floor, this.#who);
    } catch {
      // Refused or unknown: nothing is promised.
    }
  }
}
