/** A machine for the command's tests: streams in memory, a broker that is only a fake, signals on demand. */
import type { ClientHost } from '@odradek/client';
import type { Output, World } from '../world.ts';

export interface FakeWorld extends World {
  readonly out: () => string;
  readonly err: () => string;
  readonly outBytes: () => Uint8Array;
  readonly signal: (exitCode: number) => void;
  readonly exits: number[];
}

export interface FakeWorldOptions {
  readonly stdin?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly host?: ClientHost;
}

export function createFakeWorld({
  stdin = [],
  environment = {},
  host,
}: FakeWorldOptions = {}): FakeWorld {
  const [stdout, stderr] = [collecting(), collecting()];
  const listeners = new Set<(exitCode: number) => void>();
  const exits: number[] = [];
  return {
    stdin: {
      isTerminal: false,
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
    clientHost: () =>
      host === undefined
        ? Promise.reject(new Error('no client in this test'))
        : Promise.resolve(host),
    out: () => stdout.bytes().toString(),
    err: () => stderr.bytes().toString(),
    outBytes: () => stdout.bytes(),
    signal: (exitCode) => {
      for (const listener of listeners) listener(exitCode);
    },
    exits,
  };
}

function collecting(): Output & { bytes(): Buffer } {
  const chunks: Buffer[] = [];
  return {
    isTerminal: false,
    write(chunk) {
      chunks.push(Buffer.from(chunk));
      return Promise.resolve();
    },
    bytes: () => Buffer.concat(chunks),
  };
}
