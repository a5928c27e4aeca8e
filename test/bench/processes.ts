/** Child processes of the benchmark: each says one line of JSON when it is ready, and ends when it is told to. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Child<Ready> {
  readonly process: ChildProcess;
  readonly ready: Ready;
  stop(): Promise<void>;
}

/** Cores by role where `taskset` is there: the server on the first, the client on the second. Elsewhere the system decides. */
const hasTaskset = spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;
export type Core = 0 | 1 | 'any';
export const pinned = (core: Core, command: string, args: readonly string[]): [string, string[]] =>
  hasTaskset && core !== 'any'
    ? ['taskset', ['-c', String(core), command, ...args]]
    : [command, [...args]];

export const start = async <Ready>(
  core: Core,
  command: string,
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv;
    /** Turns a line of output into what the child is ready with; undefined: not yet. */
    readonly isReady: (line: string) => Ready | undefined;
    readonly timeoutMs?: number;
  },
): Promise<Child<Ready>> => {
  const [program, programArgs] = pinned(core, command, args);
  const child = spawn(program, programArgs, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = await new Promise<Ready>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${command} ${args.join(' ')} was not ready in time:\n${said}`));
    }, options.timeoutMs ?? 60_000);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = options.isReady(line);
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said}`));
    });
  });
  return {
    process: child,
    ready,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await exited;
      clearTimeout(timer);
    },
  };
};

/** Resident memory in MiB, from /proc; undefined where there is none. */
export const residentMiB = (pid: number): number | undefined => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const match = /VmRSS:\s+(\d+) kB/.exec(status);
    return match === null ? undefined : Number(match[1]) / 1024;
  } catch {
    return undefined;
  }
};
