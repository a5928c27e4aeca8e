/**
 * An application that produces: idempotent, acks=all, a few records now and then, each with a value of its own. It never sends a
 * value again by itself: if one turns up twice, somebody else has doubled it.
 */
import { Producer } from '@odradek/client';
import { encodeValue, type History, type PartitionHistory } from '../checkers/history.ts';
import type { Process } from '../time/process.ts';
import {
  startClient,
  wordsOfError,
  type Actor,
  type ClientRun,
  type ClientWorld,
} from './client-host.ts';

export interface ProducingOptions {
  readonly machine: string;
  readonly partitions: readonly PartitionHistory[];
  readonly history: History;
  /** Between two bursts. */
  readonly intervalMs: number;
  readonly deliveryTimeoutMs: number;
  /** Numbers of producers are unique in the world. */
  readonly takeNumber: () => number;
}

/** A burst is so many records at most. */
const BURST_MAX = 10;
const PADDING_MAX = 120;
/** What an application lets lie unacknowledged. */
const OUTSTANDING_MAX = 60;
const LINGER_MS = [0, 0, 2, 20];

export class Producing implements Actor {
  readonly machine: string;
  process: Process | undefined;
  /** Sends that have no answer yet. */
  outstanding = 0;
  readonly #world: ClientWorld;
  readonly #options: ProducingOptions;
  #run: ClientRun | undefined;
  #producer: Producer | undefined;
  #number = 0;
  #counters = new Map<PartitionHistory, number>();
  #isQuiet = false;

  constructor(world: ClientWorld, options: ProducingOptions) {
    this.#world = world;
    this.#options = options;
    this.machine = options.machine;
  }

  start(): void {
    this.#number = this.#options.takeNumber();
    this.#counters = new Map();
    this.outstanding = 0;
    const run = startClient(this.#world, this.machine, `producer ${this.#number}`);
    this.#run = run;
    this.process = run.process;
    this.#producer = this.#create(run);
    this.#plan(run);
  }

  kill(): void {
    this.process?.end();
    this.process = undefined;
    this.#run = undefined;
  }

  /** Sends nothing more by itself. */
  quiet(): void {
    this.#isQuiet = true;
  }

  /** One record to this partition, now. Resolves with whether it was acknowledged. */
  async probe(partition: PartitionHistory): Promise<boolean> {
    return this.#run === undefined ? false : this.#send(this.#run, partition);
  }

  #create({ cluster, chance }: ClientRun): Producer {
    return new Producer(cluster, {
      deliveryTimeoutMs: this.#options.deliveryTimeoutMs,
      lingerMs: chance.pick(LINGER_MS),
    });
  }

  #plan(run: ClientRun): void {
    const { chance, process } = run;
    this.#world.scheduler.after(
      chance.waitAround(this.#options.intervalMs),
      process,
      'produce',
      () => {
        if (this.#isQuiet) return;
        const count = 1 + chance.below(BURST_MAX);
        const partition = chance.pick(this.#options.partitions);
        for (let i = 0; i < count && this.outstanding < OUTSTANDING_MAX; i += 1)
          void this.#send(
            run,
            chance.happens(0.7) ? partition : chance.pick(this.#options.partitions),
          );
        this.#plan(run);
      },
    );
  }

  async #send(run: ClientRun, partition: PartitionHistory): Promise<boolean> {
    const { history } = this.#options;
    const number = this.#counters.get(partition) ?? 0;
    this.#counters.set(partition, number + 1);
    const send = history.invoked(partition, this.#number, number);
    this.outstanding += 1;
    try {
      const { offset } = await this.#producer!.send(partition.topic, {
        value: encodeValue(send.value, run.chance.below(PADDING_MAX)),
        partition: partition.partition,
      });
      history.acknowledged(partition, send, offset);
      return true;
    } catch (error) {
      history.unknown(send);
      this.#world.scheduler.trace.say(
        run.process.name,
        `${partition.name}: ${send.value} may be lost: ${wordsOfError(error)}`,
      );
      return false;
    } finally {
      this.outstanding -= 1;
    }
  }
}
