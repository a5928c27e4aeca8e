/**
 * An operator who makes topics and deletes them, each under a name of its own: what was acknowledged must be so in the end. In a
 * cluster he also moves partitions from broker to broker, calls moves off, gives leaderships back to whom they belong, and
 * changes settings, while everybody goes on producing and reading.
 */
import { Admin, BrokerError } from '@odradek/client';
import type { TopicsCheck } from '../checkers/topics.ts';
import type { History, PartitionHistory } from '../checkers/history.ts';
import type { Process } from '../time/process.ts';
import {
  startClient,
  wordsOfError,
  type Actor,
  type ClientRun,
  type ClientWorld,
} from './client-host.ts';

export interface AdministeringOptions {
  readonly machine: string;
  readonly name: string;
  readonly history: History;
  readonly check: TopicsCheck;
  readonly replicationFactor: number;
  /** Node ids. */
  readonly brokers: readonly number[];
  /** Of the topics that stay. */
  readonly partitions: readonly PartitionHistory[];
  /** Between two acts. */
  readonly intervalMs: number;
}

/** More than this there are never at once: the next act deletes one. */
const TOPICS_MAX = 3;

export class Administering implements Actor {
  readonly machine: string;
  process: Process | undefined;
  readonly #world: ClientWorld;
  readonly #options: AdministeringOptions;
  #runs = 0;
  #made = 0;
  #live: string[] = [];
  #isQuiet = false;

  constructor(world: ClientWorld, options: AdministeringOptions) {
    this.#world = world;
    this.#options = options;
    this.machine = options.machine;
  }

  start(): void {
    this.#runs += 1;
    const run = startClient(this.#world, this.machine, `${this.#options.name}.${this.#runs}`);
    this.process = run.process;
    void this.#act(run, new Admin(run.cluster));
  }

  kill(): void {
    this.process?.end();
    this.process = undefined;
  }

  quiet(): void {
    this.#isQuiet = true;
  }

  async #act(run: ClientRun, admin: Admin): Promise<void> {
    const { chance, process } = run;
    for (;;) {
      await this.#world.scheduler.sleep(chance.waitAround(this.#options.intervalMs), process);
      if (this.#isQuiet) return;
      if (this.#options.brokers.length > 1 && chance.happens(0.6)) {
        await this.#rearrange(run, admin);
        continue;
      }
      const mayDelete = this.#live.length >= TOPICS_MAX || chance.happens(0.4);
      const victim = mayDelete ? this.#live.shift() : undefined;
      if (victim === undefined) await this.#create(process, admin);
      else await this.#delete(process, admin, victim);
    }
  }

  async #rearrange({ chance, process }: ClientRun, admin: Admin): Promise<void> {
    const { brokers, partitions, history, replicationFactor } = this.#options;
    const { topic, partition } = chance.pick(partitions);
    const act = chance.pick(['move', 'move', 'callOff', 'elect', 'configure'] as const);
    try {
      switch (act) {
        case 'move':
        case 'callOff': {
          const replicas =
            act === 'callOff' ? null : chance.shuffled(brokers).slice(0, replicationFactor);
          await admin.alterReassignments([{ topic, partition, replicas }]);
          break;
        }
        case 'elect':
          await admin.electLeaders('preferred', null);
          break;
        case 'configure':
          await admin.alterConfig(
            { topic },
            { 'segment.bytes': chance.pick([null, '8192', '65536']) },
          );
      }
      history.counts.admin += 1;
    } catch (error) {
      this.#say(process, `may not have done: ${act} ${topic}-${partition}`, error);
    }
  }

  async #create(process: Process, admin: Admin): Promise<void> {
    const { check, history, replicationFactor } = this.#options;
    this.#made += 1;
    const name = `scratch-${this.#made}`;
    try {
      await admin.createTopic({ name, partitions: 1, replicationFactor });
    } catch (error) {
      // It was there when the answer to the first try was lost.
      if (!isCode(error, 'TOPIC_ALREADY_EXISTS')) {
        this.#say(process, `may not have made ${name}`, error);
        return;
      }
    }
    check.created(name);
    history.counts.admin += 1;
    this.#live.push(name);
  }

  async #delete(process: Process, admin: Admin, name: string): Promise<void> {
    const { check, history } = this.#options;
    check.deletionInvoked(name);
    try {
      await admin.deleteTopic(name);
    } catch (error) {
      // Unknown is no promise either: it may be unknown yet to who was asked.
      this.#say(process, `may not have deleted ${name}`, error);
      return;
    }
    check.deleted(name);
    history.counts.admin += 1;
  }

  #say(process: Process, text: string, error: unknown): void {
    this.#world.scheduler.trace.say(process.name, `${text}: ${wordsOfError(error)}`);
  }
}

const isCode = (error: unknown, name: string): boolean =>
  error instanceof BrokerError && error.errorName === name;
