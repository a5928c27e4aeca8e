/** An application that reads all partitions by itself, from their start, and never commits. */
import { Consumer } from '@odradek/client';
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

export interface ReadingOptions {
  readonly machine: string;
  readonly name: string;
  readonly partitions: readonly PartitionHistory[];
  readonly history: History;
  readonly maxWaitMs: number;
  /** Read from there, where brokers know of racks. */
  readonly rackId: string;
}

const AGAIN_AFTER_MS = 500;

export class Reading implements Actor {
  readonly machine: string;
  process: Process | undefined;
  readonly #world: ClientWorld;
  readonly #options: ReadingOptions;
  /** What was read, by partition, from offset 0. */
  readonly values = new Map<PartitionHistory, string[]>();
  #runs = 0;
  #check: ReaderCheck | undefined;

  constructor(world: ClientWorld, options: ReadingOptions) {
    this.#world = world;
    this.#options = options;
    this.machine = options.machine;
  }

  start(): void {
    this.#runs += 1;
    const name = `${this.#options.name}.${this.#runs}`;
    const run = startClient(this.#world, this.machine, name);
    this.process = run.process;
    this.#check = new ReaderCheck(this.#options.history, name);
    this.values.clear();
    void this.#read(run, this.#check);
  }

  kill(): void {
    this.process?.end();
    this.process = undefined;
  }

  /** Where it will read next. */
  next(partition: PartitionHistory): number {
    return this.#check?.next(partition) ?? 0;
  }

  async #read(run: ClientRun, check: ReaderCheck): Promise<void> {
    const { partitions, maxWaitMs, rackId } = this.#options;
    const byPlace = new Map(partitions.map((it) => [`${it.topic}/${it.partition}`, it]));
    for (;;) {
      const consumer = new Consumer(run.cluster, { from: 'earliest', maxWaitMs, rackId });
      try {
        await consumer.assign(partitions.map(({ topic, partition }) => ({ topic, partition })));
        for (const partition of partitions) {
          check.restarts(partition, 0);
          this.values.set(partition, []);
        }
        for (;;) {
          const batch = await consumer.poll();
          if (batch === undefined) continue;
          const partition = byPlace.get(`${batch.topic}/${batch.partition}`)!;
          const values = this.values.get(partition)!;
          for (const record of batch.records) {
            const value = decodeValue(record.value);
            check.polled(partition, record.offset, value);
            values.push(value);
            consumer.finished(record);
          }
        }
      } catch (error) {
        this.#world.scheduler.trace.say(run.process.name, `begins again: ${wordsOfError(error)}`);
        await consumer.close({ abandon: true }).catch(() => {});
        await this.#world.scheduler.sleep(AGAIN_AFTER_MS, run.process);
      }
    }
  }
}
