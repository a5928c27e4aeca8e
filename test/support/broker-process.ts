/**
 * The command as people run it, in a process of its own: started, killed in any way, started again on the same folder and
 * port. Whatever happens to the test, the process does not outlive it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Endpoint } from '@odradek/ports';

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url));
const START_TIMEOUT_MS = 30_000;
/** What is kept of a talkative broker's log: its end. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;
const LOG_LINES_TOLD = 30;

export interface BrokerProcessOptions {
  readonly dataDirectory: string;
  /** 0, a free one, unless the broker must come back where it was. */
  readonly port?: number;
  readonly httpPort?: number;
  /** Kafka's keys. */
  readonly config?: Readonly<Record<string, string>>;
  /** More of the command's own flags. */
  readonly flags?: readonly string[];
  /** For Node itself: --max-old-space-size and the like. */
  readonly nodeFlags?: readonly string[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One line of the broker's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The broker ended before it said where it is. */
export class BrokerDidNotStart extends Error {
  override readonly name = 'BrokerDidNotStart';
  readonly exit: Exit;
  readonly stderr: string;
  constructor(exit: Exit, stderr: string) {
    super(
      `the broker ended (code ${exit.code}, signal ${exit.signal}) before it was up:\n${stderr}`,
    );
    this.exit = exit;
    this.stderr = stderr;
  }
}

/** A process that was spawned and may not be up yet: `start` waits for it, a test of start-up may kill it before. */
export class BrokerProcess {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #exit: Exit | undefined;
  #kafka: Endpoint | undefined;
  #websocket = '';
  #http = '';

  static spawn(options: BrokerProcessOptions): BrokerProcess {
    return new BrokerProcess(options);
  }

  static async start(options: BrokerProcessOptions): Promise<BrokerProcess> {
    const broker = new BrokerProcess(options);
    await broker.up();
    return broker;
  }

  private constructor({
    dataDirectory,
    port = 0,
    httpPort = 0,
    config = {},
    flags = [],
    nodeFlags = [],
  }: BrokerProcessOptions) {
    const args = [
      'up',
      '--json',
      '--data-dir',
      dataDirectory,
      '--port',
      String(port),
      '--http-port',
      String(httpPort),
    ];
    for (const [key, value] of Object.entries(config)) args.push('--set', `${key}=${value}`);
    this.#child = spawn(process.execPath, [...nodeFlags, COMMAND, ...args, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    outliveNobody(this.#child);
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      if (this.#stderr.length > LOG_BYTES_MAX)
        this.#stderr = this.#stderr.slice(-LOG_BYTES_MAX / 2);
    });
    // 'close', not 'exit': by then all of its output has been read.
    this.exited = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => resolve((this.#exit = { code, signal })));
    });
    this.exited.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Where clients find it; it must be up. */
  get kafka(): Endpoint {
    return this.#kafka!;
  }

  get bootstrap(): string {
    return `${this.kafka.host}:${this.kafka.port}`;
  }

  /** "ws://127.0.0.1:49152/kafka" */
  get websocket(): string {
    return this.#websocket;
  }

  /** "http://127.0.0.1:49152" */
  get http(): string {
    return this.#http;
  }

  get hasExited(): boolean {
    return this.#exit !== undefined;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The log so far; what is no line of it (a crash of Node's) comes as level "raw". */
  get log(): readonly LogLine[] {
    return this.#stderr
      .split('\n')
      .filter((line) => line !== '')
      .map((line): LogLine => {
        try {
          return JSON.parse(line) as LogLine;
        } catch {
          return { level: 'raw', msg: line };
        }
      });
  }

  /** Runs a step; its failure is told with the end of the broker's log. */
  async telling<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      const tail = this.#stderr.split('\n').slice(-LOG_LINES_TOLD).join('\n');
      throw new Error(
        `${error instanceof Error ? error.message : String(error)}\nThe broker's log ends:\n${tail}`,
        { cause: error },
      );
    }
  }

  /** Waits until it has said where it is. */
  async up(): Promise<void> {
    const end = performance.now() + START_TIMEOUT_MS;
    while (!this.#stdout.includes('\n')) {
      if (this.#exit !== undefined) throw new BrokerDidNotStart(this.#exit, this.#stderr);
      if (performance.now() > end) {
        await this.kill('SIGKILL');
        throw new Error(`the broker was not up after ${START_TIMEOUT_MS} ms:\n${this.#stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const where = JSON.parse(this.#stdout) as { kafka: string; websocket?: string; http?: string };
    const colon = where.kafka.lastIndexOf(':');
    this.#kafka = { host: where.kafka.slice(0, colon), port: Number(where.kafka.slice(colon + 1)) };
    this.#websocket = where.websocket ?? '';
    this.#http = where.http ?? '';
  }

  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.#child.kill(signal);
    return this.exited;
  }

  /** For whoever leaves a test: nothing is left behind, whether it runs or not. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exit === undefined) await this.kill('SIGKILL');
  }
}

const alive = new Set<ChildProcess>();

function outliveNobody(child: ChildProcess): void {
  if (alive.size === 0 && !process.listeners('exit').includes(killAll)) {
    process.on('exit', killAll);
    // How vitest ends a worker: 'exit' is not told then.
    process.once('SIGTERM', () => process.exit(143));
  }
  alive.add(child);
  child.on('exit', () => alive.delete(child));
}

function killAll(): void {
  for (const child of alive) child.kill('SIGKILL');
}
