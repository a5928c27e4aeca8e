import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppendFile, Volume } from '@odradek/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openNodeVolume } from './index.ts';
import { refusingFs, type RefusingFs } from './refusing-fs.testing.ts';

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));

describe('a file on a file system', () => {
  let directory: string;
  let disk: RefusingFs;
  let volume: Volume;
  let file: AppendFile;
  const onDisk = (): string => readFileSync(join(directory, 'topic-0/0.log'), 'latin1');
  const count = (call: 'writev' | 'fdatasync' | 'fsync' | 'ftruncate'): number =>
    disk.counts.get(call) ?? 0;
  const statuses = async (calls: Promise<unknown>[]): Promise<string> =>
    (await Promise.allSettled(calls))
      .map((outcome) =>
        outcome.status === 'fulfilled' ? 'ok' : (outcome.reason as { kind: string }).kind,
      )
      .join(' ');

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'odradek-file-'));
    disk = refusingFs();
    volume = await openNodeVolume({ directory, fs: disk.fs });
    file = await volume.open('topic-0/0.log');
    disk.counts.clear();
  });
  afterEach(async () => {
    await volume.close();
    rmSync(directory, { recursive: true, force: true });
  });

  describe('writes in groups', () => {
    it('puts what is called in one breath into one write', async () => {
      await Promise.all(Array.from({ length: 64 }, () => file.append([new Uint8Array(16_000)])));
      expect(count('writev')).toBe(1);
    });

    it('has one write under way, and puts what is called meanwhile into the next', async () => {
      const release = disk.hold('writev');
      const calls = [file.append([text('a')])];
      await new Promise(setImmediate);
      for (let i = 0; i < 10; i++) calls.push(file.append([text('b')]));
      await new Promise(setImmediate);
      expect(count('writev')).toBe(1);
      release();
      await Promise.all(calls);
      expect(count('writev')).toBe(2);
      expect(onDisk()).toBe('abbbbbbbbbb');
    });

    it('keeps a write at a mebibyte or 1,024 pieces, if one append is not larger', async () => {
      await Promise.all(Array.from({ length: 10 }, () => file.append([new Uint8Array(300_000)])));
      expect(count('writev')).toBe(4);
      await Promise.all(Array.from({ length: 1_025 }, () => file.append([text('x'), text('y')])));
      expect(count('writev')).toBe(4 + 3);
      await file.append([new Uint8Array(5_000_000)]);
      expect(count('writev')).toBe(4 + 3 + 1);
    });

    it('goes on where a short write stopped', async () => {
      disk.shortWrites(7);
      await Promise.all([
        file.append([text('one '), text('two ')]),
        file.append([text('three ')]),
        file.append([text('a fourth that takes several')]),
      ]);
      expect(onDisk()).toBe('one two three a fourth that takes several');
    });

    it('makes an interrupted call again', async () => {
      disk.refuseNext('writev', 'EINTR', 0, 3);
      disk.refuseNext('writev', 'EAGAIN', 1, 2);
      await file.append([text('at last')]);
      disk.refuseNext('read', 'EINTR', 0, 2);
      expect(Buffer.from(await file.read(0, 100)).toString()).toBe('at last');
    });
  });

  describe('that runs full', () => {
    it('keeps the appends that went down whole, and cuts the torn one off', async () => {
      disk.shortWrites(6);
      disk.refuseNext('writev', 'ENOSPC', 1, 1);
      expect(
        await statuses([
          file.append([text('good')]),
          file.append([text('torn')]),
          file.append([text('late')]),
          file.sync(),
        ]),
      ).toBe('ok full full full');
      expect(onDisk()).toBe('good');
      expect(file.sizeBytes).toBe(4);
      await file.truncate(4);
      await Promise.all([file.append([text(' again')]), file.sync()]);
      expect(onDisk()).toBe('good again');
    });

    it('settles a sync that came before the append that did not fit', async () => {
      const release = disk.hold('writev');
      const calls = [file.append([text('good')]), file.sync()];
      await new Promise(setImmediate);
      disk.refuseNext('writev', 'EDQUOT', 1);
      calls.push(file.append([text('more')]), file.sync());
      release();
      expect(await statuses(calls)).toBe('ok ok full full');
    });

    it('settles a sync that had to wait for another while a later append failed', async () => {
      const release = disk.hold('fdatasync');
      const calls: Promise<void>[] = [file.append([text('a')]), file.sync()];
      await calls[0];
      calls.push(file.append([text('b')]), file.sync());
      await calls[2];
      disk.refuseNext('writev', 'ENOSPC');
      calls.push(file.append([text('c')]), file.sync());
      await Promise.allSettled([calls[4]]);
      release();
      expect(await statuses(calls)).toBe('ok ok ok ok full full');
      expect(onDisk()).toBe('ab');
    });

    it('leaves the tail to the next truncate when it cannot be cut', async () => {
      await file.append([text('good')]);
      disk.shortWrites(2);
      disk.refuseNext('writev', 'EIO', 1);
      disk.refuseNext('ftruncate', 'EIO', 0, 2);
      expect(await statuses([file.append([text('torn')])])).toBe('failed');
      expect(onDisk()).toBe('goodto');
      expect(
        await statuses([file.append([text('x')]), file.truncate(4), file.append([text('y')])]),
      ).toBe('failed failed failed');
      await file.truncate(4);
      await file.append([text('.')]);
      expect(onDisk()).toBe('good.');
    });

    it('says what to do', async () => {
      disk.refuseNext('writev', 'ENOSPC');
      await expect(file.append([text('x')])).rejects.toMatchObject({
        kind: 'full',
        file: 'topic-0/0.log',
        cause: { code: 'ENOSPC' },
        message: expect.stringMatching(/topic-0\/0\.log.*ENOSPC.*free some space/),
      });
    });

    it('does not take a system that writes nothing and says nothing for ever', async () => {
      disk.shortWrites(0);
      await expect(file.append([text('x')])).rejects.toMatchObject({ kind: 'failed' });
    });
  });

  describe('syncs in groups', () => {
    it('shares one sync among all who wait for the same bytes', async () => {
      await Promise.all(
        Array.from({ length: 64 }, async () => {
          for (let round = 0; round < 3; round++) {
            await file.append([text('x')]);
            await file.sync();
          }
        }),
      );
      // They go on together: had one of them waited longer than the others, it would now write alone.
      expect([count('writev'), count('fdatasync')]).toEqual([3, 3]);
    });

    it('has one sync under way, and shares the next one', async () => {
      const release = disk.hold('fdatasync');
      const order: string[] = [];
      const calls: Promise<unknown>[] = [
        file.append([text('a')]),
        file.sync().then(() => order.push('first')),
      ];
      await calls[0];
      await new Promise(setImmediate);
      for (let i = 0; i < 10; i++)
        calls.push(
          file.append([text('b')]),
          file.sync().then(() => order.push('second')),
        );
      // The appends do not wait for the sync that is held.
      while (onDisk() !== 'abbbbbbbbbb') await new Promise(setImmediate);
      expect(count('fdatasync')).toBe(1);
      release();
      await Promise.all(calls);
      expect(count('fdatasync')).toBe(2);
      expect(order).toEqual(['first', ...Array.from({ length: 10 }, () => 'second')]);
    });

    it('asks the disk for nothing when nothing was written since', async () => {
      await Promise.all([file.append([text('x')]), file.sync()]);
      const [before, foldersBefore] = [count('fdatasync'), count('fsync')];
      await file.sync();
      expect([count('fdatasync'), count('fsync')]).toEqual([before, foldersBefore]);
      await Promise.all([file.truncate(0), file.sync()]);
      expect(count('fdatasync')).toBe(before + 1);
    });

    it('syncs bytes that an owner before may have left unsynced', async () => {
      await file.append([text('x')]);
      await volume.close();
      volume = await openNodeVolume({ directory, fs: disk.fs });
      const again = await volume.open('topic-0/0.log');
      const before = count('fdatasync');
      await again.sync();
      expect(count('fdatasync')).toBe(before + 1);
    });

    it('brings the entry of a new file, and of its folder, down once', async () => {
      const before = count('fsync');
      await Promise.all([file.append([text('x')]), file.sync()]);
      expect(count('fsync')).toBe(before + 2);
      await Promise.all([file.append([text('y')]), file.sync()]);
      expect(count('fsync')).toBe(before + 2);
      const second = await volume.open('topic-0/1.log');
      await second.sync();
      expect(count('fsync')).toBe(before + 3);
    });

    it('brings a removal elsewhere down', async () => {
      await volume.replace('topic-1/a', text('x'));
      await volume.replace('topic-1/b', text('x'));
      await file.sync();
      const before = count('fsync');
      await volume.remove('topic-1/a');
      expect(count('fsync')).toBe(before);
      await file.sync();
      expect(count('fsync')).toBe(before + 1);
      await volume.remove('topic-1/b');
      await file.sync();
      await file.sync();
      // The folder is gone with its last file: the entry that is owed is the one in the folder above.
      expect(count('fsync')).toBe(before + 2);
    });
  });

  describe('whose sync failed', () => {
    it('takes nothing more, whatever the system says later', async () => {
      await file.append([text('x')]);
      disk.refuseNext('fdatasync', 'EIO');
      const before = count('fdatasync');
      expect(await statuses([file.sync(), file.sync(), file.sync()])).toBe('failed failed failed');
      expect(await statuses([file.sync(), file.append([text('y')])])).toBe('failed failed');
      expect(count('fdatasync')).toBe(before + 1);
      expect(onDisk()).toBe('x');
      await file.close();
      await expect(volume.open('topic-0/0.log')).rejects.toMatchObject({
        kind: 'failed',
        message: expect.stringMatching(/give this file up/),
      });
    });

    it('fails the same when it is the folder that could not be synced', async () => {
      disk.refuseNext('fsync', 'EIO');
      expect(await statuses([file.sync()])).toBe('failed');
      expect(await statuses([file.sync()])).toBe('failed');
      const other = await volume.open('topic-0/1.log');
      expect(await statuses([other.sync()])).toBe('failed');
    });

    it('leaves other files alone', async () => {
      const other = await volume.open('topic-1/0.log');
      disk.refuseNext('fdatasync', 'EIO');
      expect(await statuses([file.sync()])).toBe('failed');
      expect(await statuses([other.append([text('x')]), other.sync()])).toBe('ok ok');
    });
  });

  it('keeps its descriptor until the last call on it is back', async () => {
    await file.append([text('abc')]);
    const release = disk.hold('read');
    const reading = file.read(0, 3);
    const closing = file.close();
    await new Promise(setImmediate);
    const closes = disk.counts.get('close');
    release();
    await closing;
    expect(Buffer.from(await reading).toString()).toBe('abc');
    expect(disk.counts.get('close')).toBe((closes ?? 0) + 1);
  });
});
