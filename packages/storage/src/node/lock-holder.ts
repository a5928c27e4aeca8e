/**
 * Whether the process that wrote a lock still lives.
 *
 * A process id that is alive may be another process's by now. It is, when that process began after the file was written and does
 * not have the file open (an owner keeps it open; a clock that was set forward must not make an owner look young).
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { isErrorOf } from './io.ts';

/** What a lock file tells. */
export interface Holder {
  /** Undefined when it holds no process id. */
  readonly pid: number | undefined;
  readonly isEmpty: boolean;
  readonly inode: bigint;
  readonly device: bigint;
  readonly writtenMs: number;
  /** Names this very file: another one under the same name has another. */
  readonly identity: string;
}

/** How far the two clocks that a process's age is told by may be apart. */
const CLOCK_SLACK_MS = 500;
/** Linux counts a process's age in these (USER_HZ), on every architecture in use. */
const TICKS_A_SECOND = 100;
/** How long a starter may take between making a file and writing into it. */
const UNWRITTEN_GRACE_MS = 2_000;

export function isHolderAlive(holder: Holder): boolean {
  // A file without a process id belongs to nobody, or to one who is about to write it.
  if (holder.pid === undefined)
    return holder.isEmpty && Math.abs(Date.now() - holder.writtenMs) < UNWRITTEN_GRACE_MS;
  if (!isRunning(holder.pid)) return false;
  const isOurs = holder.pid === process.pid;
  const beganMs =
    processBeganMs(holder.pid) ?? (isOurs ? Date.now() - process.uptime() * 1_000 : undefined);
  // Whether this process has the file open is known for sure, so that a container's restarts with one id need no slack.
  const slackMs = isOurs ? 0 : CLOCK_SLACK_MS;
  if (beganMs === undefined || beganMs <= holder.writtenMs + slackMs) return true;
  return hasOpen(holder);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return isErrorOf(error, 'EPERM');
  }
  const state = procStat(pid)?.[0];
  return state !== 'Z' && state !== 'X';
}

/** The fields of /proc/<pid>/stat from the third on (the second, the command's name, may hold anything). */
function procStat(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** By the wall clock; undefined where the system does not tell. */
function processBeganMs(pid: number): number | undefined {
  const ticks = Number(procStat(pid)?.[19]);
  return Number.isFinite(ticks)
    ? Date.now() - (uptime() - ticks / TICKS_A_SECOND) * 1_000
    : undefined;
}

/** Whether the process has this very file open; false where one may not look. */
function hasOpen(holder: Holder): boolean {
  const folder = `/proc/${holder.pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => {
      const stats = statSync(join(folder, fd), { bigint: true, throwIfNoEntry: false });
      return stats?.ino === holder.inode && stats.dev === holder.device;
    });
  } catch {
    return false;
  }
}
