/**
 * An application that keeps a little state in the coordination tree: it writes values that nobody else writes, reads them fresh and
 * not fresh, and takes a lock now and then, which it gives back or dies with.
 */
import { Coordination, TreeRefused } from '@odradek/client/coordination';
import type { TreeCheck } from '../checkers/tree.ts';
import type { Process } from '../time/process.ts';
import {
  startClient,
  wordsOfError,
  type Actor,
  type ClientRun,
  type ClientWorld,
} from './client-host.ts';

export interface CoordinatingOptions {
  readonly machine: string;
  readonly name: string;
  readonly check: TreeCheck;
  /** Between two operations. */
  readonly intervalMs: number;
}

const PATHS = ['/first', '/second'];
const LOCK = '/lock';
const LOCKS = 0.15;
const HELD_MS = 2_000;
const SESSION_MS = 6_000;

export class Coordinating implements Actor {
  readonly machine: string;
  process: Process | undefined;
  /** What it had written was seen in the end. */
  isDone = false;
  readonly #world: ClientWorld;
  readonly #options: CoordinatingOptions;
  #runs = 0;
  #writes = 0;
  #isQuiet = false;

  constructor(world: ClientWorld, options: CoordinatingOptions) {
    this.#world = world;
    this.#options = options;
    this.machine = options.machine;
  }

  start(): void {
    this.#runs += 1;
    const run = startClient(this.#world, this.machine, `${this.#options.name}.${this.#runs}`);
    this.process = run.process;
    const tree = new Coordination(run.cluster, { sessionTimeoutMs: SESSION_MS });
    void this.#work(run, tree);
  }

  kill(): void {
    if (this.process !== undefined) this.#options.check.released(this.process.name);
    this.process?.end();
    this.process = undefined;
  }

  /** Nothing more is written; what stands there is read once more. */
  quiet(): void {
    this.#isQuiet = true;
  }

  async #work(run: ClientRun, tree: Coordination): Promise<void> {
    const { chance, process } = run;
    const { intervalMs } = this.#options;
    for (;;) {
      await this.#world.scheduler.sleep(chance.waitAround(intervalMs), process);
      if (this.#isQuiet) return this.#readLast(run, tree);
      try {
        if (chance.happens(LOCKS)) await this.#lock(run, tree);
        else if (chance.happens(0.5)) await this.#write(run, tree, chance.pick(PATHS));
        else await this.#read(tree, chance.pick(PATHS));
      } catch (error) {
        this.#world.scheduler.trace.say(process.name, `the tree: ${wordsOfError(error)}`);
      }
    }
  }

  async #readLast({ process }: ClientRun, tree: Coordination): Promise<void> {
    const left = [...PATHS];
    while (left.length > 0) {
      try {
        await this.#read(tree, left[0]!);
        left.shift();
      } catch (error) {
        this.#world.scheduler.trace.say(process.name, `the tree: ${wordsOfError(error)}`);
        await this.#world.scheduler.sleep(this.#options.intervalMs, process);
      }
    }
    this.isDone = true;
  }

  async #write({ process }: ClientRun, tree: Coordination, path: string): Promise<void> {
    const { check } = this.#options;
    this.#writes += 1;
    const value = `${this.machine}.${this.#writes}`;
    const beganMs = this.#nowMs;
    const write = async (op: 'set' | 'create'): Promise<void> => {
      check.writeInvoked(path, value);
      const { offset } = await tree.multi([{ op, path, value }]);
      if (!process.isAlive) return;
      check.wrote(path, value, offset, beganMs, this.#nowMs);
    };
    try {
      await write('set');
    } catch (error) {
      if (!(error instanceof TreeRefused) || error.code !== 'noNode') throw error;
      await write('create');
    }
  }

  /** Fresh, always: what is not may be older, and is so on purpose. */
  async #read(tree: Coordination, path: string): Promise<void> {
    const beganMs = this.#nowMs;
    const { offset, nodes } = await tree.getAll([path], { fresh: true });
    const node = nodes.get(path);
    const value = node && textOf(node.value);
    this.#options.check.read(path, value, node?.modifiedAt ?? -1, offset, beganMs, this.#nowMs);
  }

  async #lock({ chance, process }: ClientRun, tree: Coordination): Promise<void> {
    const { check } = this.#options;
    const lock = await tree.lock(LOCK);
    if (!process.isAlive) return;
    check.holds(process.name, lock.fence, () => process.isAlive && lock.isHeld);
    await this.#world.scheduler.sleep(chance.between(0, HELD_MS), process);
    check.released(process.name);
    await lock.release();
  }

  get #nowMs(): number {
    return this.#world.scheduler.nowMs;
  }
}

const textOf = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};
