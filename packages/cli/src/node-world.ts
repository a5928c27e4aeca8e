// Not by import(): for what is Node's own the bundle would keep it, which a compiled script cannot do quietly.
import { promises } from 'node:fs';
import { dirname } from 'node:path';
import { OutputClosed } from './world.ts';
import type { Output, World } from './world.ts';

/** 128 and the signal's number, as shells tell it. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export function createNodeWorld(version: string, startedMs: number): World {
  const orphaned = new Set<() => void>();
  // Who started this process with a channel to it (child.ts) has gone, and nobody else will stop it: as if by SIGTERM.
  if (process.connected) {
    process.once('disconnect', () => {
      if (orphaned.size === 0) process.exit(EXIT_CODES.SIGTERM);
      for (const terminate of orphaned) terminate();
    });
  }
  return {
    stdin: {
      // Node opens stdin when it is first asked for, which `up` never does: 10 ms of its start.
      get isTerminal() {
        return process.stdin.isTTY === true;
      },
      [Symbol.asyncIterator]: () => process.stdin[Symbol.asyncIterator](),
    },
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    environment: process.env,
    version,
    onSignal(listener) {
      const heard = (signal: keyof typeof EXIT_CODES) => (): void => listener(EXIT_CODES[signal]);
      const [interrupt, terminate] = [heard('SIGINT'), heard('SIGTERM')];
      process.on('SIGINT', interrupt).on('SIGTERM', terminate);
      orphaned.add(terminate);
      return () => {
        process.off('SIGINT', interrupt).off('SIGTERM', terminate);
        orphaned.delete(terminate);
      };
    },
    exit: (code) => process.exit(code),
    monotonicMs: () => performance.now() - startedMs,
    async clientHost(link) {
      const { createClientHost, createWebSocketClientHost } = await import('./client-host.ts');
      return link.kind === 'tcp' ? createClientHost() : createWebSocketClientHost(link);
    },
    readFile(path) {
      return promises.readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
    },
    async writeFile(path, text) {
      await promises.mkdir(dirname(path), { recursive: true });
      await promises.writeFile(path, text);
    },
    spawnSelf: async (args) => (await import('./child.ts')).spawnSelf(args),
    freePorts: async (count) => (await import('./child.ts')).freePorts(count),
    async fetchText(url, timeoutMs) {
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
      return response.text();
    },
  };
}

function output(stream: NodeJS.WriteStream): Output {
  let failure: Error | undefined;
  // Told to those who write; without a listener it would end the process.
  stream.on('error', (error) => {
    failure = classify(error);
  });
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
    write(chunk) {
      return new Promise((resolve, reject) => {
        if (failure !== undefined) reject(failure);
        // The callback, not 'drain': it also tells of a pipe that broke.
        else stream.write(chunk, (error) => (error == null ? resolve() : reject(classify(error))));
      });
    },
  };
}

const classify = (error: Error & { readonly code?: string }): Error =>
  error.code === 'EPIPE' ? new OutputClosed('the reader has gone', { cause: error }) : error;
