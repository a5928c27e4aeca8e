/** What the command touches of the machine, in one place, so that tests can give it another. */
import type { ClientHost } from '@odradek/client';

export interface Output {
  /** Resolves when more may be written; rejects when the reader has gone. */
  write(chunk: string | Uint8Array): Promise<void>;
  readonly isTerminal: boolean;
  /** Of the terminal; undefined when it is none. */
  readonly columns: number | undefined;
  readonly rows: number | undefined;
}

/** How brokers are reached: their addresses are host and port in both cases. */
export type Link =
  | { readonly kind: 'tcp' }
  | { readonly kind: 'websocket'; readonly path: string; readonly secure: boolean };

export interface World {
  readonly stdin: AsyncIterable<Uint8Array> & { readonly isTerminal: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Calls back at SIGINT or SIGTERM, with the exit code that tells of it. Returns how to stop listening. */
  onSignal(listener: (exitCode: number) => void): () => void;
  /** Ends the process now. */
  exit(code: number): void;
  monotonicMs(): number;
  /** Loaded when it is first needed: `up` needs none. */
  clientHost(link: Link): Promise<ClientHost>;
  /** A small file of the person's; undefined when there is none. */
  readFile(path: string): Promise<string | undefined>;
  /** Whole, and the folders on the way to it. */
  writeFile(path: string, text: string): Promise<void>;
  /** This command in a process of its own. */
  spawnSelf(args: readonly string[]): Promise<Child>;
  /** The first of so many free ports in a row. */
  freePorts(count: number): Promise<number>;
  /** The text behind an http URL; rejects when there is none in time. */
  fetchText(url: string, timeoutMs: number): Promise<string>;
}

/** A process that was started; its output ends with it. */
export interface Child {
  readonly pid: number;
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  readonly ended: Promise<ChildEnd>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** It could not be started at all. */
  readonly error?: Error;
}

export const EXIT_OK = 0;
export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;

/** What the person typed cannot be done as it is: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Nobody reads what is written any more (`odradek tail t | head`): the command ends quietly. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** Ended by a signal before it was done: the exit code is the signal's, 130 or 143. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;
  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}
