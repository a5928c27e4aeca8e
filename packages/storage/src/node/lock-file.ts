/**
 * One owner a folder, by a file that holds the owner's process id and nothing else (`kill -9 $(cat odradek.pid)` must work).
 *
 * Node has no lock that the system gives back when a process dies, so a dead owner's file stays and must be taken over, by one
 * of any number of starters. Two rules make that safe:
 * - The file comes into being whole: it is written under another name and then linked or renamed into place.
 * - A stale file is replaced only by whoever holds the claim on just that file (a second such file, named after the stale one's
 *   inode and time). Its owner is dead and only the claimant may touch it, so between the claimant's look and its rename
 *   nothing changes. A claimant that dies leaves a stale claim, which is taken over in the same way.
 *
 * A process id that is alive may be another process's by now. It is, when that process began after the file was written and does
 * not have the file open (an owner keeps it open; a clock that was set forward must not make an owner look young).
 *
 * Owners on other machines or in other containers are not seen: their process ids mean nothing here.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { VolumeError } from '@odradek/ports';
import { isErrorOf, type Io } from './io.ts';

export interface FolderLock {
  /** Removes the file if it is still ours. */
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number | undefined;
  readonly inode: bigint;
  readonly device: bigint;
  readonly writtenMs: number;
  /** Names this very file: another one under the same name has another. */
  readonly identity: string;
}

/** Begins no legal name, so that nobody's file is taken for one of ours. */
const draftPrefix = '~lock-';
const claimPrefix = '~takeover-';

const LOCK_MODE = 0o640;
/** Each attempt but the last was overtaken by another starter. */
const ATTEMPTS_MAX = 20;
/** A claim on a claim on a claim: three starters died within the same millisecond, one after the other. */
const CLAIM_DEPTH_MAX = 3;
/** How far the two clocks that a process's age is told by may be apart. */
const CLOCK_SLACK_MS = 500;
/** Linux counts a process's age in these (USER_HZ), on every architecture in use. */
const TICKS_A_SECOND = 100;

export async function acquireLock(io: Io, directory: string, lockFile: string): Promise<FolderLock> {
  const path = join(directory, lockFile);
  await take(io, directory, path, 0);
  const fd = await io.open(path, 'r');
  const { ino } = await io.fstat(fd);
  return {
    async release() {
      const holder = await readHolder(io, path);
      if (holder !== undefined && holder.pid === process.pid && holder.inode === ino) await io.unlink(path);
      await io.close(fd);
    },
  };
}

/** Removes what dead starters left; called by the owner. */
export async function removeLeftoverLocks(io: Io, directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (!name.startsWith(draftPrefix) && !name.startsWith(claimPrefix)) continue;
    const holder = await readHolder(io, join(directory, name));
    if (holder !== undefined && !isAlive(holder)) await unlinkIfThere(io, join(directory, name));
  }
}

/** Puts our process id under `path`, or throws VolumeError 'locked'. */
async function take(io: Io, directory: string, path: string, depth: number): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const draft = await writeDraft(io, directory);
    try {
      if (await linkInto(io, draft, path)) return;
      const holder = await readHolder(io, path);
      if (holder === undefined) continue;
      if (isAlive(holder)) throw lockedBy(holder, directory);
      if (depth === CLAIM_DEPTH_MAX) throw new VolumeError('locked', `${path} is left of a dead process and cannot be taken over: remove it`);
      if (await takeOver(io, directory, path, holder, draft, depth)) return;
    } finally {
      await unlinkIfThere(io, draft);
    }
  }
  throw new VolumeError('locked', `${directory} is wanted by too many at once: ${path} changed ${ATTEMPTS_MAX} times`);
}

/** False when `stale` is no longer what lies there. */
async function takeOver(io: Io, directory: string, path: string, stale: Holder, draft: string, depth: number): Promise<boolean> {
  const claim = join(directory, `${claimPrefix}${stale.identity}`);
  await take(io, directory, claim, depth + 1);
  try {
    const now = await readHolder(io, path);
    if (now?.identity !== stale.identity) return false;
    await io.rename(draft, path);
    return true;
  } finally {
    await unlinkIfThere(io, claim);
  }
}

/** Our process id in a file of its own, on the disk: after a power cut the lock must not be an empty file. */
async function writeDraft(io: Io, directory: string): Promise<string> {
  const path = join(directory, `${draftPrefix}${process.pid}-${process.hrtime.bigint()}`);
  const fd = await io.open(path, 'wx', LOCK_MODE);
  try {
    await io.write(fd, [Buffer.from(`${process.pid}\n`)], 0);
    await io.fsync(fd);
  } finally {
    await io.close(fd);
  }
  return path;
}

/** False when something lies there already. */
async function linkInto(io: Io, draft: string, path: string): Promise<boolean> {
  try {
    await io.link(draft, path);
    return true;
  } catch (error) {
    if (isErrorOf(error, 'EEXIST')) return false;
    // No hard links here (FAT, some network and phone file systems).
    if (isErrorOf(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL')) return createInPlace(io, path);
    throw error;
  }
}

async function createInPlace(io: Io, path: string): Promise<boolean> {
  let fd: number;
  try {
    fd = await io.open(path, 'wx', LOCK_MODE);
  } catch (error) {
    if (isErrorOf(error, 'EEXIST')) return false;
    throw error;
  }
  try {
    await io.write(fd, [Buffer.from(`${process.pid}\n`)], 0);
    await io.fsync(fd);
  } finally {
    await io.close(fd);
  }
  return true;
}

async function readHolder(io: Io, path: string): Promise<Holder | undefined> {
  try {
    const fd = await io.open(path, 'r');
    try {
      const text = new Uint8Array(32);
      const length = await io.read(fd, text, 0);
      const { ino, dev, mtimeMs, mtimeNs } = await io.fstat(fd);
      const digits = /^([1-9][0-9]{0,9})\s*$/.exec(Buffer.from(text.subarray(0, length)).toString('latin1'))?.[1];
      return { pid: digits === undefined ? undefined : Number(digits), inode: ino, device: dev, writtenMs: Number(mtimeMs), identity: `${ino}-${mtimeNs}` };
    } finally {
      await io.close(fd);
    }
  } catch (error) {
    if (isErrorOf(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function lockedBy(holder: Holder, directory: string): VolumeError {
  const who = holder.pid === process.pid ? `this process (${holder.pid})` : `process ${holder.pid}`;
  return new VolumeError('locked', `${directory} is in use by ${who}: stop it first, or use another folder`);
}

/** A file without a process id belongs to nobody: ours are never written in part. */
function isAlive(holder: Holder): boolean {
  if (holder.pid === undefined || !isRunning(holder.pid)) return false;
  const beganMs = holder.pid === process.pid ? Date.now() - process.uptime() * 1_000 : processBeganMs(holder.pid);
  const slackMs = holder.pid === process.pid ? 0 : CLOCK_SLACK_MS;
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
  return Number.isFinite(ticks) ? Date.now() - (uptime() - ticks / TICKS_A_SECOND) * 1_000 : undefined;
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

async function unlinkIfThere(io: Io, path: string): Promise<void> {
  try {
    await io.unlink(path);
  } catch (error) {
    if (!isErrorOf(error, 'ENOENT')) throw error;
  }
}
