/** The command itself, run once more in a process of its own. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { Child } from './world.ts';

/**
 * Below what systems give to outgoing connections: none of those takes a broker's port while it is away.
 */
const FREE_PORTS = { first: 20_000, last: 30_000 } as const;
const FREE_PORT_ATTEMPTS_MAX = 200;

/**
 * A process group of its own: Ctrl-C on a terminal goes to the one that started it, which stops the others in order. When that one is
 * killed, the channel between them closes, and the child stops by itself (node-world.ts).
 */
export function spawnSelf(args: readonly string[]): Child {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
    windowsHide: true,
  });
  return {
    pid: child.pid ?? -1,
    stdout: child.stdout!,
    stderr: child.stderr!,
    // 'close', not 'exit': by then all of its output has been read.
    ended: new Promise((resolve) => {
      child.on('error', (error) => resolve({ code: null, signal: null, error }));
      child.on('close', (code, signal) => resolve({ code, signal }));
    }),
    kill: (signal) => void child.kill(signal),
  };
}

/** The first of so many ports in a row that nobody listens on. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < FREE_PORT_ATTEMPTS_MAX; attempt += 1) {
    const span = FREE_PORTS.last - FREE_PORTS.first - count;
    const first = FREE_PORTS.first + Math.floor(Math.random() * span);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports in a row: name them with --port and --http-port`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
