/**
 * An operator who makes topics and deletes them, each under a name of its own: what was acknowledged must be so in the end.
 */
import { Admin, BrokerError } from '@odradek/client';
import type { TopicsCheck } from '../checkers/topics.ts';
import type { History } from '../checkers/history.ts';
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
      const mayDelete = this.#live.length >= TOPICS_MAX || chance.happens(0.4);
      const victim = mayDelete ? this.#live.shift() : undefined;
      if (victim === undefined) await this.#create(process, admin);
      else await this.#delete(process, admin, victim);
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
