import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Volume } from '@odradek/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openNodeVolume } from './index.ts';
import { refusingFs, type RefusingFs } from './refusing-fs.testing.ts';

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));

describe('a folder as a volume', () => {
  let parent: string;
  let directory: string;
  let disk: RefusingFs;
  let volume: Volume;
  beforeEach(async () => {
    parent = mkdtempSync(join(tmpdir(), 'odradek-folder-'));
    directory = join(parent, 'var/lib/odradek');
    disk = refusingFs();
    volume = await openNodeVolume({ directory, fs: disk.fs, openFilesMax: 3 });
  });
  afterEach(async () => {
    await volume.close();
    rmSync(parent, { recursive: true, force: true });
  });
  const names = async (): Promise<string[]> => (await volume.list('')).map((entry) => entry.name);

  it('is made with the folders above it', () => {
    expect(statSync(directory).isDirectory()).toBe(true);
    expect(volume.traits).toEqual({ durability: 'disk', openFilesMax: 3, location: directory });
  });

  it('keeps strangers out', async () => {
    const file = await volume.open('topic-0/0.log');
    await file.append([text('x')]);
    await volume.replace('topic-1/checkpoint', text('x'));
    const modes = ['topic-0', 'topic-0/0.log', 'topic-1/checkpoint', '.'].map((name) =>
      (statSync(join(directory, name)).mode & 0o7).toString(8),
    );
    expect(modes).toEqual(['0', '0', '0', '0']);
  });

  it('holds plain files that other tools can read', async () => {
    const file = await volume.open('topic-0/0.log');
    await file.append([text('abc')]);
    await volume.replace('checkpoint', text('1\n'));
    expect(readFileSync(join(directory, 'topic-0/0.log'), 'utf8')).toBe('abc');
    expect(readFileSync(join(directory, 'checkpoint'), 'utf8')).toBe('1\n');
  });

  it('does not see what is not its own, and leaves it', async () => {
    await volume.close();
    mkdirSync(join(directory, 'lost+found'));
    writeFileSync(join(directory, 'lost+found/a'), 'x');
    writeFileSync(join(directory, 'a~'), 'x');
    symlinkSync('/etc/hostname', join(directory, 'link'));
    volume = await openNodeVolume({ directory });
    expect(await names()).toEqual([]);
    expect(readdirSync(directory).toSorted()).toEqual(['a~', 'link', 'lost+found', 'odradek.pid']);
  });

  it('does not list or give its lock', async () => {
    expect(await names()).toEqual([]);
    await expect(volume.open('odradek.pid')).rejects.toMatchObject({ kind: 'invalid' });
    await expect(volume.remove('odradek.pid')).rejects.toMatchObject({ kind: 'invalid' });
    await expect(volume.replace('odradek.pid', text('1'))).rejects.toMatchObject({
      kind: 'invalid',
    });
  });

  it('removes what an interrupted replace left', async () => {
    await volume.replace('vote', text('old'));
    disk.refuseNext('rename', 'EIO');
    disk.refuseNext('unlink', 'EIO');
    await expect(volume.replace('vote', text('new'))).rejects.toMatchObject({ kind: 'failed' });
    expect(readdirSync(directory).filter((name) => name.startsWith('~')).length).toBe(1);
    expect(await names()).toEqual(['vote']);
    await volume.close();
    volume = await openNodeVolume({ directory });
    expect(readdirSync(directory).toSorted()).toEqual(['odradek.pid', 'vote']);
    expect(await volume.readSmall('vote')).toEqual(text('old'));
  });

  it('syncs the bytes of a replace before it renames, and the folder after', async () => {
    await volume.replace('topic-0/vote', text('first'));
    const order: string[] = [];
    const fs = disk.fs as unknown as Record<string, (...args: unknown[]) => void>;
    for (const call of ['writev', 'fsync', 'rename']) {
      const real = fs[call] as (...args: unknown[]) => void;
      fs[call] = (...args) => {
        order.push(call);
        real(...args);
      };
    }
    await volume.replace('topic-0/vote', text('second'));
    expect(order).toEqual(['writev', 'fsync', 'rename', 'fsync']);
  });

  it('removes folders with their last file', async () => {
    await volume.replace('a/b/c/d', text('x'));
    await volume.replace('a/e', text('x'));
    await volume.remove('a/b/c/d');
    expect(readdirSync(join(directory, 'a'))).toEqual(['e']);
    await volume.remove('a/e');
    expect(readdirSync(directory)).toEqual(['odradek.pid']);
  });

  it('makes and removes files of one folder at once', async () => {
    for (let round = 0; round < 50; round++) {
      const [file] = await Promise.all([
        volume.open(`topic/${round}`),
        round > 0 ? volume.remove(`topic/${round - 1}`) : undefined,
      ]);
      await file.close();
    }
    expect(await names()).toEqual(['topic/49']);
  });

  it('does not take a file for a folder, or a folder for a file', async () => {
    await volume.replace('a/b', text('x'));
    await expect(volume.open('a')).rejects.toMatchObject({ kind: 'invalid' });
    await expect(volume.open('a/b/c')).rejects.toMatchObject({ kind: 'invalid' });
    await expect(volume.replace('a', text('x'))).rejects.toMatchObject({ kind: 'invalid' });
    await expect(volume.replace('a/b/c', text('x'))).rejects.toMatchObject({ kind: 'invalid' });
    expect(await volume.readSmall('a')).toBeUndefined();
    expect(await names()).toEqual(['a/b']);
  });

  it('says so when somebody has taken the whole folder away', async () => {
    rmSync(directory, { recursive: true });
    await expect(volume.open('topic-0/0.log')).rejects.toMatchObject({ kind: 'failed' });
    await expect(volume.replace('topic-0/checkpoint', text('x'))).rejects.toMatchObject({
      kind: 'failed',
    });
    await expect(volume.replace('checkpoint', text('x'))).rejects.toMatchObject({ kind: 'failed' });
  });

  it('closes after what is under way, its lock last', async () => {
    const release = disk.hold('rename');
    const replacing = volume.replace('vote', text('7'));
    const opening = volume.open('topic-0/0.log');
    const closing = volume.close();
    await opening;
    await expect(openNodeVolume({ directory })).rejects.toMatchObject({ kind: 'locked' });
    expect(readdirSync(directory)).toContain('odradek.pid');
    release();
    await Promise.all([replacing, closing]);
    expect(readdirSync(directory).toSorted()).toEqual(['topic-0', 'vote']);
    await expect((await opening).append([text('x')])).rejects.toMatchObject({ kind: 'closed' });
  });

  it('opens no more files than it was allowed', async () => {
    const files = await Promise.all(['a', 'b', 'c'].map((name) => volume.open(name)));
    await expect(volume.open('d')).rejects.toMatchObject({ kind: 'full' });
    await files[0]?.close();
    await volume.open('d');
  });

  it('says that the limit of descriptors is too low', async () => {
    disk.refuseNext('open', 'EMFILE');
    await expect(volume.open('a')).rejects.toMatchObject({
      kind: 'full',
      message: expect.stringMatching(/ulimit -n/),
    });
    await volume.open('a');
  });

  it('says whose fault it is when the folder cannot be used', async () => {
    writeFileSync(join(parent, 'file'), '');
    await expect(openNodeVolume({ directory: join(parent, 'file') })).rejects.toMatchObject({
      name: 'VolumeError',
      message: expect.stringContaining(join(parent, 'file')),
    });
    const readOnly = refusingFs();
    readOnly.refuseNext('open', 'EROFS');
    await expect(
      openNodeVolume({ directory: join(parent, 'other'), fs: readOnly.fs }),
    ).rejects.toMatchObject({ kind: 'failed', message: expect.stringMatching(/EROFS.*mounted/) });
  });
});
