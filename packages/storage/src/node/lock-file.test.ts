import { spawn, type ChildProcess } from 'node:child_process';
import * as nodeFs from 'node:fs';
import { mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { Random, Volume } from '@odradek/ports';
import { seededRandom } from '@odradek/ports/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openNodeVolume } from './index.ts';
import { createIo, type NodeFs } from './io.ts';
import { acquireLock, type FolderLock } from './lock-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const lockPath = (): string => join(directory, 'odradek.pid');
const hours = (ago: number): Date => new Date(Date.now() - ago * 3_600_000);

/** A process id that was somebody's and is nobody's now. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid as number;
}

describe('the lock of a folder', () => {
  let volumes: Volume[];
  let children: ChildProcess[];
  beforeEach(() => {
    volumes = [];
    children = [];
  });
  afterEach(async () => {
    for (const volume of volumes) await volume.close();
    for (const child of children) child.kill('SIGKILL');
  });
  const open = async (): Promise<Volume> => {
    const volume = await openNodeVolume({ directory });
    volumes.push(volume);
    return volume;
  };
  const sleeper = async (): Promise<number> => {
    const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e6)']);
    children.push(child);
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    return child.pid as number;
  };

  it('holds the process id and nothing else', async () => {
    await open();
    expect(readFileSync(lockPath(), 'utf8')).toBe(`${process.pid}\n`);
    expect(readdirSync(directory)).toEqual(['odradek.pid']);
  });

  it('goes away with its owner', async () => {
    await (await open()).close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('keeps the same process from opening the folder twice, by whatever path', async () => {
    await open();
    await expect(open()).rejects.toMatchObject({
      name: 'VolumeError',
      kind: 'locked',
      message: expect.stringContaining(`this process (${process.pid})`),
    });
    await expect(
      openNodeVolume({ directory: `${directory}/../${directory.split('/').at(-1)}/.` }),
    ).rejects.toMatchObject({ kind: 'locked' });
    expect(readdirSync(directory)).toEqual(['odradek.pid']);
  });

  it('names the process that lives, and the folder', async () => {
    const pid = await sleeper();
    writeFileSync(lockPath(), `${pid}\n`);
    await expect(open()).rejects.toMatchObject({
      kind: 'locked',
      message: expect.stringMatching(new RegExp(`${directory}.* process ${pid}:`)),
    });
    expect(readFileSync(lockPath(), 'utf8')).toBe(`${pid}\n`);
  });

  it('is taken over from the dead', async () => {
    writeFileSync(lockPath(), `${await deadPid()}\n`);
    const volume = await open();
    expect(readFileSync(lockPath(), 'utf8')).toBe(`${process.pid}\n`);
    expect(readdirSync(directory)).toEqual(['odradek.pid']);
    await volume.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is taken over from a dead one whose id is our own now, as in a container', async () => {
    writeFileSync(lockPath(), `${process.pid}\n`);
    utimesSync(lockPath(), hours(1), hours(1));
    await open();
    expect(readFileSync(lockPath(), 'utf8')).toBe(`${process.pid}\n`);
  });

  it('is not taken from an owner whose clock was set forward', async () => {
    await open();
    utimesSync(lockPath(), hours(1), hours(1));
    await expect(open()).rejects.toMatchObject({ kind: 'locked' });
  });

  it.runIf(process.platform === 'linux')(
    'is taken over from a dead one whose id another process got',
    async () => {
      writeFileSync(lockPath(), `${await sleeper()}\n`);
      utimesSync(lockPath(), hours(1), hours(1));
      await open();
      expect(readFileSync(lockPath(), 'utf8')).toBe(`${process.pid}\n`);
    },
  );

  it.each(['', 'what is this', '0', '-1', '99999999999999', '\0\0\0\0'])(
    "is nobody's when it says %j",
    async (content) => {
      writeFileSync(lockPath(), content);
      utimesSync(lockPath(), hours(1), hours(1));
      await open();
      expect(readFileSync(lockPath(), 'utf8')).toBe(`${process.pid}\n`);
    },
  );

  it('that is empty was made this moment, on a file system without links', async () => {
    writeFileSync(lockPath(), '');
    await expect(open()).rejects.toMatchObject({ kind: 'locked' });
  });

  it('is made in place where there are no links', async () => {
    const link = ((_from: string, _to: string, done: (error: Error) => void) =>
      done(Object.assign(new Error('no links'), { code: 'EPERM' }))) as unknown as NodeFs['link'];
    const volume = await openNodeVolume({ directory, fs: { ...nodeFs, link } });
    volumes.push(volume);
    expect(readFileSync(lockPath(), 'utf8')).toBe(`${process.pid}\n`);
    await expect(open()).rejects.toMatchObject({ kind: 'locked' });
  });

  it("is not removed when it is another's by now", async () => {
    const volume = await open();
    rmSync(lockPath());
    writeFileSync(lockPath(), '12345\n');
    await volume.close();
    expect(readFileSync(lockPath(), 'utf8')).toBe('12345\n');
  });

  it('clears away what dead starters left, and leaves what living ones are about to use', async () => {
    const dead = await deadPid();
    writeFileSync(join(directory, `~lock-${dead}-1`), `${dead}\n`);
    writeFileSync(join(directory, '~takeover-1-1'), `${dead}\n`);
    const alive = await sleeper();
    writeFileSync(join(directory, `~lock-${alive}-1`), `${alive}\n`);
    await open();
    expect(readdirSync(directory).toSorted()).toEqual(['odradek.pid', `~lock-${alive}-1`]);
  });
});

/**
 * Starters that are processes in name only: each has an id of its own and a file system whose calls come back in an order that
 * chance draws. Some die on the way, which is that their calls never come back.
 */
describe('starters of one folder at once', () => {
  class World {
    readonly random: Random;
    readonly alive = new Set<number>();
    #ready: { pid: number; go: () => void }[] = [];
    constructor(seed: number) {
      this.random = seededRandom(seed);
    }

    fsOf(pid: number): NodeFs {
      return new Proxy(nodeFs as NodeFs, {
        get: (fs, call: keyof NodeFs) => {
          if (call === ('fsync' as keyof NodeFs))
            return (_fd: number, done: (error: null) => void) => this.#later(pid, () => done(null));
          return (...args: unknown[]) => {
            const done = args.at(-1) as (...results: unknown[]) => void;
            this.#later(pid, () =>
              (fs[call] as (...all: unknown[]) => void)(
                ...args.slice(0, -1),
                (...results: unknown[]) => this.#later(pid, () => done(...results)),
              ),
            );
          };
        },
      });
    }

    #later(pid: number, go: () => void): void {
      this.#ready.push({ pid, go });
    }

    kill(pid: number): void {
      this.alive.delete(pid);
      this.#ready = this.#ready.filter((step) => step.pid !== pid);
    }

    /** Lets one step after the other happen until everybody is done; may kill. */
    async run(deathsMax: number, isOver: () => boolean): Promise<void> {
      let deaths = 0;
      while (!isOver()) {
        await new Promise(setImmediate);
        if (this.#ready.length === 0) continue;
        const [step] = this.#ready.splice(this.random.uint32() % this.#ready.length, 1);
        if (step === undefined || !this.alive.has(step.pid)) continue;
        if (deaths < deathsMax && this.random.uint32() % 40 === 0) {
          deaths += 1;
          this.kill(step.pid);
        } else step.go();
      }
    }
  }

  it.each([0, 3])('never two of them own it (%i die on the way)', async (deathsMax) => {
    const violations: string[] = [];
    for (let seed = 1; seed <= 12; seed++) {
      const world = new World(seed);
      writeFileSync(lockPath(), '999999\n');
      const owners = new Set<number>();
      const outcomes = new Map<number, string>();
      for (let pid = 1_001; pid <= 1_006; pid++) {
        world.alive.add(pid);
        const io = createIo(world.fsOf(pid));
        acquireLock(io, directory, 'odradek.pid', {
          pid,
          isAlive: (holder) =>
            holder.pid === undefined ? holder.isEmpty : world.alive.has(holder.pid),
        }).then(
          (_lock: FolderLock) => {
            outcomes.set(pid, 'owner');
            owners.add(pid);
            const living = [...owners].filter((owner) => world.alive.has(owner));
            if (living.length > 1) violations.push(`seed ${seed}: ${living.join(' and ')} own it`);
            if (readFileSync(lockPath(), 'utf8') !== `${pid}\n`)
              violations.push(`seed ${seed}: the lock does not name ${pid}`);
          },
          (error: { kind?: string; message: string }) =>
            outcomes.set(pid, error.kind === 'locked' ? 'locked' : error.message),
        );
      }
      await world.run(deathsMax, () => [...world.alive].every((pid) => outcomes.has(pid)));
      expect(
        [...outcomes.values()].filter((outcome) => outcome !== 'owner' && outcome !== 'locked'),
      ).toEqual([]);
      if (deathsMax === 0) expect(owners.size, `seed ${seed}`).toBe(1);
      for (const name of readdirSync(directory)) rmSync(join(directory, name));
    }
    expect(violations).toEqual([]);
  });
});
