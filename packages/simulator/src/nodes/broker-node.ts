/**
 * A machine with a disk, on which a broker runs: composed as packages/node composes it, with virtual ports. The disk and the
 * clock's error outlive the broker's runs; a supervisor starts it again when it has failed or was killed.
 *
 * The ways to end a run: `stop` in order; `kill` (kill -9: the page cache stays); `cutPower` (what was not flushed may be
 * gone, the peers are not told, the machine has a new boot id).
 */
import { Broker, type ConfigEntry } from '@odradek/broker';
import {
  CompressionError,
  type Compression,
  type LogFields,
  type Logger,
  type Mutants,
  type Probe,
} from '@odradek/ports';
import { crc32cJs } from '@odradek/protocol';
import { Chance } from '../chance.ts';
import { VirtualDisk } from '../disk/virtual-disk.ts';
import type { Network } from '../network/network.ts';
import type { Process } from '../time/process.ts';
import type { Scheduler } from '../time/scheduler.ts';
import { VirtualClock, type MachineTime } from '../time/virtual-clock.ts';
import type { Trace } from '../trace.ts';

export type NodeState = 'down' | 'starting' | 'running' | 'stopping';

export interface BrokerNodeOptions {
  readonly nodeId: number;
  readonly machine: string;
  readonly entries: readonly ConfigEntry[];
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly trace: Trace;
  readonly time: MachineTime;
  readonly probe: Probe;
  /** A run begins. */
  readonly onStart: () => void;
}

export const KAFKA_PORT = 9092;
/** Where the other members of a cluster ask. */
export const PEER_PORT = 9094;
const LISTENER_NAME = 'PLAINTEXT';
const PEER_LISTENER_NAME = 'WS';

export class BrokerNode {
  readonly nodeId: number;
  readonly machine: string;
  readonly disk: VirtualDisk;
  readonly time: MachineTime;
  state: NodeState = 'down';
  /** Why the last run ended by itself; undefined when it did not. */
  failure: string | undefined;
  /** How often it was started. */
  starts = 0;
  readonly #options: BrokerNodeOptions;
  #boots = 1;
  #process: Process | undefined;
  #broker: Broker | undefined;

  constructor(options: BrokerNodeOptions) {
    this.#options = options;
    this.nodeId = options.nodeId;
    this.machine = options.machine;
    this.time = options.time;
    this.disk = new VirtualDisk(
      options.scheduler,
      new Chance(options.seed, `disk of ${options.machine}`),
      options.machine,
    );
  }

  get broker(): Broker | undefined {
    return this.#broker;
  }

  get process(): Process | undefined {
    return this.#process;
  }

  get isUp(): boolean {
    return this.state === 'running';
  }

  /** Begins a run. What becomes of it is told by `state`. */
  start(): void {
    if (this.state !== 'down') return;
    const { scheduler, network, trace, entries, seed, probe } = this.#options;
    this.starts += 1;
    this.#options.onStart();
    this.failure = undefined;
    this.state = 'starting';
    network.powerOn(this.machine);
    const run = `${this.machine} run ${this.starts}`;
    const process = scheduler.startProcess(run, this.machine);
    this.#process = process;
    trace.milestone(this.machine, `starts (run ${this.starts})`);
    const broker = new Broker({
      entries,
      volume: this.disk.mount(process),
      clock: new VirtualClock(scheduler, process, this.time),
      random: new Chance(seed, run),
      logger: traceLogger(trace, process, this.machine),
      crc32c: crc32cJs,
      compression: noCompression,
      bootId: `boot ${this.#boots}`,
      dialPeer: network.dialFrom(process),
      probe,
    });
    this.#broker = broker;
    this.#serve(process, broker).catch((error: unknown) => this.#ended(process, error));
  }

  async #serve(process: Process, broker: Broker): Promise<void> {
    const { network, trace } = this.#options;
    const address = { host: this.machine, port: KAFKA_PORT };
    const peerAddress = { host: this.machine, port: PEER_PORT };
    const listen = (): void => {
      network.listen(process, address, (connection) => broker.accept(connection, LISTENER_NAME));
      network.listen(process, peerAddress, (connection) => broker.acceptPeer(connection));
    };
    // A member needs the others to recover, and they need it.
    if (broker.isMember) listen();
    const listeners = [
      { name: LISTENER_NAME, ...address },
      { name: PEER_LISTENER_NAME, ...peerAddress },
    ];
    await broker.recover(listeners);
    if (!broker.isMember) listen();
    await broker.open(listeners);
    if (!process.isAlive) return;
    if (this.state === 'starting') this.state = 'running';
    trace.milestone(this.machine, 'runs');
    await broker.stopped;
    await this.#ended(process, undefined);
  }

  /** By itself, in order or not: the program exits. */
  async #ended(process: Process, error: unknown): Promise<void> {
    if (!process.isAlive) return;
    if (error !== undefined) {
      this.failure = error instanceof Error ? error.message : String(error);
      this.#options.trace.milestone(this.machine, `has failed: ${this.failure}`);
    }
    this.#die(process);
    this.disk.kill();
  }

  /** SIGTERM. */
  stop(): void {
    if (this.state !== 'running') return;
    this.state = 'stopping';
    this.#options.trace.milestone(this.machine, 'is asked to stop');
    this.#broker?.stop().catch(() => {});
  }

  /** SIGKILL: nothing of it runs any more, the machine is well. */
  kill(): void {
    if (this.#process === undefined) return;
    this.#options.trace.milestone(this.machine, 'is killed');
    this.#die(this.#process);
    this.disk.kill();
  }

  cutPower(): void {
    this.#options.network.powerOff(this.machine);
    this.#boots += 1;
    this.#options.trace.milestone(this.machine, 'loses power');
    if (this.#process !== undefined) this.#die(this.#process);
    this.disk.cutPower();
  }

  /** SIGSTOP, or a garbage collection that takes long. */
  pause(): void {
    if (this.#process === undefined || this.#process.isPaused) return;
    this.#options.trace.milestone(this.machine, 'stands still');
    this.#options.scheduler.pause(this.#process);
  }

  resume(): void {
    if (this.#process?.isPaused !== true) return;
    this.#options.trace.milestone(this.machine, 'goes on');
    this.#options.scheduler.resume(this.#process);
  }

  /** What it says of itself when it is asked for its health. */
  problems(): readonly string[] {
    return this.#broker?.problems() ?? ['it does not run'];
  }

  #die(process: Process): void {
    process.end();
    this.#process = undefined;
    this.#broker = undefined;
    this.state = 'down';
  }
}

/** A mutant or two; nothing is right but the one named. */
export const mutantsOf = (names: readonly string[]): Mutants => {
  const set = new Set(names);
  return { has: (name) => set.has(name) };
};

const traceLogger = (trace: Trace, process: Process, who: string): Logger => {
  const say = (level: string) => (message: string, fields?: LogFields) => {
    // What a dead program thinks is not known.
    if (process.isAlive) trace.say(who, `${level} ${message}${wordsOf(fields)}`);
  };
  const logger: Logger = {
    debug() {},
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: () => logger,
  };
  return logger;
};

const wordsOf = (fields: LogFields | undefined): string =>
  Object.entries(fields ?? {})
    .map(([key, value]) => ` ${key}=${value instanceof Error ? value.message : String(value)}`)
    .join('');

/** The workload does not compress: codecs have tests of their own. */
export const noCompression: Compression = {
  compress() {
    throw new CompressionError('unsupported', 'the simulation does not compress');
  },
  decompress() {
    throw new CompressionError('unsupported', 'the simulation does not compress');
  },
};
