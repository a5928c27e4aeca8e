/** What doctor looks at on this machine, by Node; a test brings another machine. */
import { constants } from 'node:fs';
import { access, open, readFile, rm, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface FolderFacts {
  readonly isFolder: boolean;
  readonly isOwn: boolean;
  readonly isWritable: boolean;
  readonly freeBytes: number;
  /** Of the broker that uses it now. */
  readonly lockedBy: number | undefined;
}

export interface Machine {
  readonly nodeVersion: string;
  /** Undefined when the port can be taken, otherwise why not. */
  portProblem(host: string, port: number): Promise<string | undefined>;
  /** Undefined when there is nothing. */
  inspect(path: string): Promise<FolderFacts | undefined>;
  /** Milliseconds that a small write takes until it is on the disk, several times. */
  syncTimesMs(folder: string): Promise<readonly number[]>;
  /** The Date of an HTTP answer. */
  httpDateMs(url: string, timeoutMs: number): Promise<number>;
  wallTimeMs(): number;
}

const PID_FILE = 'odradek.pid';
const PROBE_FILE = '.odradek-doctor';
const PROBES = 7;
const PROBE_BYTES = 4096;

export const createMachine = (): Machine => ({
  nodeVersion: process.versions.node,
  portProblem: (host, port) =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
    }),
  inspect,
  syncTimesMs,
  async httpDateMs(url, timeoutMs) {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    await response.arrayBuffer();
    return Date.parse(response.headers.get('date') ?? '');
  },
  wallTimeMs: () => Date.now(),
});

async function inspect(path: string): Promise<FolderFacts | undefined> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (facts === undefined) return undefined;
  const { bavail, bsize } = await statfs(path);
  return {
    isFolder: facts.isDirectory(),
    isOwn: process.getuid === undefined || facts.uid === process.getuid(),
    isWritable: await access(path, constants.W_OK).then(
      () => true,
      () => false,
    ),
    freeBytes: bavail * bsize,
    lockedBy: await runningOwner(path),
  };
}

/** Whose number stands in the folder, when that process lives. */
async function runningOwner(path: string): Promise<number | undefined> {
  const text = await readFile(join(path, PID_FILE), 'utf8').catch(() => undefined);
  const pid = Number.parseInt(text ?? '', 10);
  if (!(pid > 0)) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    // It lives, and is another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : undefined;
  }
}

async function syncTimesMs(folder: string): Promise<readonly number[]> {
  const path = join(folder, PROBE_FILE);
  const file = await open(path, 'w');
  const times: number[] = [];
  try {
    for (let probe = 0; probe < PROBES; probe += 1) {
      const startedMs = performance.now();
      await file.write(new Uint8Array(PROBE_BYTES), 0, PROBE_BYTES, probe * PROBE_BYTES);
      await file.datasync();
      times.push(performance.now() - startedMs);
    }
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  return times;
}
