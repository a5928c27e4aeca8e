/** A machine for the command's tests: streams in memory, a broker that is only a fake, signals on demand. */
import type { ClientHost } from '@odradek/client';
import type { Child, Link, Output, World } from '../world.ts';

export interface FakeWorld extends World {
  readonly out: () => string;
  readonly err: () => string;
  readonly outBytes: () => Uint8Array;
  readonly signal: (exitCode: number) => void;
  readonly exits: number[];
  /** Files, by path. */
  readonly written: ReadonlyMap<string, string>;
}

export interface FakeWorldOptions {
  readonly stdin?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Of all connections, or made for the way that is asked for. */
  readonly host?: ClientHost | ((link: Link) => Promise<ClientHost>);
  /** What is a terminal. */
  readonly terminals?: readonly ('stdin' | 'stdout' | 'stderr')[];
  /** By path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Makes the processes. */
  readonly spawn?: (args: readonly string[]) => Child;
  /** By URL. */
  readonly pages?: Readonly<Record<string, string>>;
}

export function createFakeWorld({
  stdin = [],
  environment = {},
  host,
  terminals = [],
  files = {},
  pages = {},
  spawn,
}: FakeWorldOptions = {}): FakeWorld {
  const [stdout, stderr] = [
    collecting(terminals.includes('stdout')),
    collecting(terminals.includes('stderr')),
  ];
  const listeners = new Set<(exitCode: number) => void>();
  const exits: number[] = [];
  const written = new Map<string, string>();
  return {
    stdin: {
      isTerminal: terminals.includes('stdin'),
      async *[Symbol.asyncIterator]() {
        for (const chunk of stdin) yield Buffer.from(chunk);
      },
    },
    stdout,
    stderr,
    environment,
    version: '1.2.3',
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exit: (code) => void exits.push(code),
    monotonicMs: () => 42,
    async clientHost(link) {
      if (host === undefined) throw new Error('no client in this test');
      return typeof host === 'function' ? host(link) : host;
    },
    readFile: async (path) => written.get(path) ?? files[path],
    writeFile: async (path, text) => void written.set(path, text),
    written,
    spawnSelf: async (args) => {
      if (spawn === undefined) throw new Error('no processes in this test');
      return spawn(args);
    },
    freePorts: async () => 20_000,
    async fetchText(url) {
      const page = pages[url];
      if (page === undefined) throw new Error(`nothing at ${url}`);
      return page;
    },
    out: () => stdout.bytes().toString(),
    err: () => stderr.bytes().toString(),
    outBytes: () => stdout.bytes(),
    signal: (exitCode) => {
      for (const listener of listeners) listener(exitCode);
    },
    exits,
  };
}

function collecting(isTerminal: boolean): Output & { bytes(): Buffer } {
  const chunks: Buffer[] = [];
  return {
    isTerminal,
    columns: isTerminal ? 80 : undefined,
    rows: isTerminal ? 24 : undefined,
    write(chunk) {
      chunks.push(Buffer.from(chunk));
      return Promise.resolve();
    },
    bytes: () => Buffer.concat(chunks),
  };
}
