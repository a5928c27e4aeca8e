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
 * Owners on other machines or in other containers are not seen: their process ids mean nothing here.
 */
import { join } from 'node:path';
import { VolumeError } from '@odradek/ports';
import { isErrorOf, type Io } from './io.ts';
import { isHolderAlive, type Holder } from './lock-holder.ts';

export interface FolderLock {
  /** Removes the file if it is still ours. */
  release(): Promise<void>;
}

/** Who we are, and who lives. */
export interface Processes {
  readonly pid: number;
  isAlive(holder: Holder): boolean;
}

/** Begins no legal name, so that nobody's file is taken for one of ours. */
const draftPrefix = '~lock-';
const claimPrefix = '~takeover-';

const LOCK_MODE = 0o640;
/** Each attempt but the last was overtaken by another starter. */
const ATTEMPTS_MAX = 20;
/** A claim on a claim on a claim: three starters died within the same millisecond, one after the other. */
const CLAIM_DEPTH_MAX = 3;

/** Takes the lock and clears away what dead starters left, or throws VolumeError 'locked'. */
export async function acquireLock(
  io: Io,
  directory: string,
  lockFile: string,
  processes: Processes = { pid: process.pid, isAlive: isHolderAlive },
): Promise<FolderLock> {
  const place: Place = { io, directory, processes };
  const path = join(directory, lockFile);
  await take(place, path, 0);
  // Open for as long as it is ours: see lock-holder.ts.
  const fd = await io.open(path, 'r');
  const lock: FolderLock = {
    async release() {
      try {
        const { ino } = await io.fstat(fd);
        const holder = await readHolder(io, path);
        if (holder?.pid === processes.pid && holder.inode === ino) await io.unlink(path);
      } finally {
        await io.close(fd);
      }
    },
  };
  try {
    await removeLeftovers(place);
  } catch (error) {
    await lock.release();
    throw error;
  }
  return lock;
}

interface Place {
  readonly io: Io;
  readonly directory: string;
  readonly processes: Processes;
}

async function removeLeftovers({ io, directory, processes }: Place): Promise<void> {
  for (const { name } of await io.readdir(directory)) {
    if (!name.startsWith(draftPrefix) && !name.startsWith(claimPrefix)) continue;
    const path = join(directory, name);
    const holder = await readHolder(io, path);
    if (holder !== undefined && !processes.isAlive(holder)) await unlinkIfThere(io, path);
  }
}

/** Puts our process id under `path`, or throws VolumeError 'locked'. */
async function take(place: Place, path: string, depth: number): Promise<void> {
  const { io, directory, processes } = place;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const draft = await writeDraft(place);
    try {
      if (await linkInto(place, draft, path)) return;
      const holder = await readHolder(io, path);
      if (holder === undefined) continue;
      if (processes.isAlive(holder)) throw lockedBy(holder, place);
      if (depth === CLAIM_DEPTH_MAX)
        throw new VolumeError(
          'locked',
          `${path} is left of a dead process and cannot be taken over: remove it`,
        );
      if (await takeOver(place, path, holder, draft, depth)) return;
    } finally {
      await unlinkIfThere(io, draft);
    }
  }
  throw new VolumeError(
    'locked',
    `${directory} is wanted by too many at once: ${path} changed ${ATTEMPTS_MAX} times`,
  );
}

/** False when `stale` is no longer what lies there. */
async function takeOver(
  place: Place,
  path: string,
  stale: Holder,
  draft: string,
  depth: number,
): Promise<boolean> {
  const { io } = place;
  const claim = join(place.directory, `${claimPrefix}${stale.identity}`);
  await take(place, claim, depth + 1);
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
async function writeDraft({ io, directory, processes }: Place): Promise<string> {
  const path = join(directory, `${draftPrefix}${processes.pid}-${process.hrtime.bigint()}`);
  const fd = await io.open(path, 'wx', LOCK_MODE);
  try {
    await io.write(fd, [Buffer.from(`${processes.pid}\n`)], 0);
    await io.fsync(fd);
  } finally {
    await io.close(fd);
  }
  return path;
}

/** False when something lies there already. */
async function linkInto(place: Place, draft: string, path: string): Promise<boolean> {
  try {
    await place.io.link(draft, path);
    return true;
  } catch (error) {
    if (isErrorOf(error, 'EEXIST')) return false;
    // No hard links here (FAT, some network and phone file systems).
    if (isErrorOf(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'))
      return createInPlace(place, path);
    throw error;
  }
}

async function createInPlace({ io, processes }: Place, path: string): Promise<boolean> {
  let fd: number;
  try {
    fd = await io.open(path, 'wx', LOCK_MODE);
  } catch (error) {
    if (isErrorOf(error, 'EEXIST')) return false;
    throw error;
  }
  try {
    await io.write(fd, [Buffer.from(`${processes.pid}\n`)], 0);
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
      const digits = /^([1-9][0-9]{0,9})\s*$/.exec(
        Buffer.from(text.subarray(0, length)).toString('latin1'),
      )?.[1];
      const pid = digits === undefined ? undefined : Number(digits);
      return {
        pid,
        isEmpty: length === 0,
        inode: ino,
        device: dev,
        writtenMs: Number(mtimeMs),
        identity: `${ino}-${mtimeNs}`,
      };
    } finally {
      await io.close(fd);
    }
  } catch (error) {
    if (isErrorOf(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function lockedBy(holder: Holder, { directory, processes }: Place): VolumeError {
  const who =
    holder.pid === processes.pid
      ? `this process (${holder.pid})`
      : holder.pid === undefined
        ? 'a process that is just starting'
        : `process ${holder.pid}`;
  return new VolumeError(
    'locked',
    `${directory} is in use by ${who}: stop it first, or use another folder`,
  );
}

async function unlinkIfThere(io: Io, path: string): Promise<void> {
  try {
    await io.unlink(path);
  } catch (error) {
    if (!isErrorOf(error, 'ENOENT')) throw error;
  }
}
