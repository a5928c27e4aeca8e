/** This machine: Node, ports, the data folder. */
import { dirname, resolve } from 'node:path';
import { failed, ok, warning } from './doctor-finding.ts';
import type { Finding } from './doctor-finding.ts';
import type { FolderFacts, Machine } from './doctor-machine.ts';
import { formatBytes } from './messages.ts';

/** package.json's engines. */
const NODE_MIN = [20, 19] as const;
const FREE_BYTES_MIN = 1_000_000_000;
/** A disk that flushes slower makes every acknowledgement wait. */
const SYNC_MS_GOOD = 20;
const LOOPBACK = '127.0.0.1';

export function checkNode({ nodeVersion }: Machine): Finding {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const isGood = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  return isGood
    ? ok('node', nodeVersion)
    : failed('node', nodeVersion, `install Node ${NODE_MIN.join('.')} or newer`);
}

/** A port is fine when it is free for a broker, or a broker has it. */
export async function checkPort(
  machine: Machine,
  port: number,
  flag: '--port' | '--http-port',
  isBrokers: () => Promise<boolean>,
): Promise<Finding> {
  const check = `port ${port}`;
  const problem = await machine.portProblem(LOOPBACK, port);
  if (problem === undefined) return ok(check, 'free');
  if (problem === 'EADDRINUSE' && (await isBrokers())) return ok(check, 'a broker has it');
  if (problem === 'EADDRINUSE')
    return failed(
      check,
      'something that is no broker has it',
      `stop that, or start with odradek up ${flag} N`,
    );
  return failed(check, `it cannot be taken: ${problem}`, `start with odradek up ${flag} N`);
}

export async function checkFolder(machine: Machine, folder: string): Promise<readonly Finding[]> {
  const path = resolve(folder);
  const facts = await machine.inspect(path);
  if (facts === undefined) return [await checkParent(machine, path)];
  const check = `data folder ${path}`;
  if (!facts.isFolder)
    return [failed(check, 'it is no folder', 'name another one with odradek up --data-dir')];
  if (!facts.isWritable)
    return [failed(check, 'this user may not write to it', `chown it, or use --data-dir`)];
  return [
    facts.isOwn
      ? ok(check, "it is this user's")
      : warning(check, "it is another user's", 'run the broker as one user always'),
    facts.lockedBy === undefined
      ? ok('lock', 'no broker uses the folder')
      : ok('lock', `process ${facts.lockedBy} uses the folder`),
    checkFree(facts),
    await checkSync(machine, path),
  ];
}

/** The broker makes its folder when it starts. */
async function checkParent(machine: Machine, path: string): Promise<Finding> {
  const check = `data folder ${path}`;
  const parent = dirname(path);
  const facts = parent === path ? undefined : await machine.inspect(parent);
  if (facts === undefined && parent !== path) return checkParent(machine, parent);
  return facts?.isFolder && facts.isWritable
    ? ok(check, 'it is not there yet: odradek up makes it')
    : failed(
        check,
        `${parent} cannot be written to`,
        'name another one with odradek up --data-dir',
      );
}

const checkFree = ({ freeBytes }: FolderFacts): Finding =>
  freeBytes >= FREE_BYTES_MIN
    ? ok('free space', formatBytes(freeBytes))
    : warning('free space', formatBytes(freeBytes), 'make room, or lower log.retention.bytes');

async function checkSync(machine: Machine, path: string): Promise<Finding> {
  const check = 'write and flush';
  let times: readonly number[];
  try {
    times = await machine.syncTimesMs(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failed(check, reason, 'the disk must take a write and flush it: look at the disk');
  }
  const median = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  const found = `${median.toFixed(1)} ms`;
  return median <= SYNC_MS_GOOD
    ? ok(check, found)
    : warning(
        check,
        found,
        'every acknowledgement waits for this: a local SSD is faster; or trust the page cache with log.flush.interval.messages',
      );
}
