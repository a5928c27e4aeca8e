import type { AppendFile } from '@odradek/ports';
import { seededRandom } from '@odradek/ports/testing';
import { describe, expect, it } from 'vitest';
import {
  createMemoryVolume,
  MemoryDisk,
  SECTOR_BYTES,
  type MemoryVolume,
  type TornTail,
} from './index.ts';

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const seen = async (volume: MemoryVolume, name: string): Promise<string | undefined> => {
  const bytes = await volume.readSmall(name);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};

describe('a disk in memory', () => {
  it('outlives its volumes, one at a time', async () => {
    const volume = createMemoryVolume({ random: seededRandom(1) });
    expect(volume.traits).toMatchObject({ durability: 'none', location: 'memory' });
    await volume.replace('a', text('1'));
    expect(() => volume.disk.mount()).toThrow(expect.objectContaining({ kind: 'locked' }));
    await volume.close();
    expect(await seen(volume.disk.mount(), 'a')).toBe('1');
  });

  it('settles by microtasks alone', async () => {
    const volume = createMemoryVolume({ random: seededRandom(1) });
    let turned = false;
    setImmediate(() => (turned = true));
    const file = await volume.open('a');
    await Promise.all([
      file.append([text('x')]),
      file.sync(),
      file.truncate(0),
      volume.replace('b', text('y')),
      volume.list(''),
    ]);
    await volume.close();
    expect(turned).toBe(false);
  });

  it('counts what was asked of it', async () => {
    const { disk } = createMemoryVolume({ random: seededRandom(1) });
    disk.crash();
    const volume = disk.mount();
    const file = await volume.open('a');
    await Promise.all([
      file.append([text('12'), text('3')]),
      file.append([text('4')]),
      file.sync(),
    ]);
    await file.read(1, 2);
    await file.truncate(1);
    await volume.replace('b', text('x'));
    await volume.remove('b');
    await volume.remove('never-there');
    expect(disk.counters).toEqual({
      appends: 2,
      bytesAppended: 4,
      syncs: 1,
      reads: 1,
      bytesRead: 2,
      truncates: 1,
      replaces: 1,
      removes: 1,
    });
    expect(disk.usedBytes).toBe(1);
  });

  describe('cut off from its power', () => {
    /** 1,000 synced bytes of 's', then 3,000 of 'u'. */
    const crashed = async (seed: number, torn?: TornTail): Promise<string> => {
      const volume = createMemoryVolume({ random: seededRandom(seed) });
      const file = await volume.open('log');
      await Promise.all([file.append([text('s'.repeat(1_000))]), file.sync()]);
      await file.append([text('u'.repeat(3_000))]);
      volume.crash(torn);
      await expect(file.append([text('x')])).rejects.toMatchObject({ kind: 'closed' });
      const bytes = (await volume.disk.mount().readSmall('log')) as Uint8Array;
      return Buffer.from(bytes).toString('latin1');
    };
    const kind = (content: string): TornTail => {
      expect(content.slice(0, 1_000)).toBe('s'.repeat(1_000));
      const tail = content.slice(1_000);
      if (tail === '') return 'lost';
      if (tail === 'u'.repeat(3_000)) return 'whole';
      return /^u+$/.test(tail) ? 'prefix' : 'holes';
    };

    it('tears the unsynced tail in every way of the fault model', async () => {
      const found = new Set<TornTail>();
      for (let seed = 0; seed < 60; seed++) found.add(kind(await crashed(seed)));
      expect([...found].toSorted()).toEqual(['holes', 'lost', 'prefix', 'whole']);
    });

    it('tears it in the way that a test asks for', async () => {
      expect(await crashed(1, 'lost')).toBe('s'.repeat(1_000));
      expect(await crashed(1, 'whole')).toBe('s'.repeat(1_000) + 'u'.repeat(3_000));
      for (let seed = 0; seed < 20; seed++)
        expect(await crashed(seed, 'prefix')).toMatch(/^s{1000}u{0,3000}$/);
    });

    it('loses whole sectors, even with sound ones behind them', async () => {
      let soundBehindHole = false;
      for (let seed = 0; seed < 40; seed++) {
        const content = await crashed(seed, 'holes');
        expect(content.startsWith('s'.repeat(1_000))).toBe(true);
        const sectors = Array.from({ length: Math.ceil(content.length / SECTOR_BYTES) }, (_, i) =>
          content.slice(i * SECTOR_BYTES, (i + 1) * SECTOR_BYTES),
        );
        const isHole = sectors.map((sector) => !/^s*u*$/.test(sector));
        soundBehindHole ||= isHole.some((hole, i) => hole && isHole.slice(i + 1).includes(false));
      }
      expect(soundBehindHole).toBe(true);
    });

    it('does so again from the same seed', async () => {
      for (let seed = 0; seed < 20; seed++) expect(await crashed(seed)).toBe(await crashed(seed));
    });

    const outcomes = async (
      history: (volume: MemoryVolume) => Promise<unknown>,
    ): Promise<string[]> => {
      const found = new Set<string>();
      for (let seed = 0; seed < 60; seed++) {
        const volume = createMemoryVolume({ random: seededRandom(seed) });
        await history(volume);
        volume.crash('lost');
        const again = volume.disk.mount();
        found.add(
          (
            await Promise.all(
              (await again.list('')).map(async ({ name }) => `${name}=${await seen(again, name)}`),
            )
          ).join(' '),
        );
      }
      return [...found].toSorted();
    };

    it('may undo a cut that was not synced', async () => {
      expect(
        await outcomes(async (volume) => {
          const file = await volume.open('a');
          await Promise.all([
            file.append([text('1234')]),
            file.sync(),
            file.truncate(3),
            file.append([text('x')]),
            file.truncate(1),
            file.append([text('y')]),
          ]);
        }),
      ).toEqual(['a=1', 'a=1234']);
    });

    it('may lose a file that was never synced', async () => {
      expect(await outcomes((volume) => volume.open('a'))).toEqual(['', 'a=']);
    });

    it('may bring a removed file back, until something else is synced', async () => {
      const removed = async (volume: MemoryVolume): Promise<void> => {
        await volume.replace('a', text('old'));
        await volume.remove('a');
      };
      expect(await outcomes(removed)).toEqual(['', 'a=old']);
      expect(
        await outcomes(async (volume) =>
          removed(volume).then(() => volume.replace('b', text('x'))),
        ),
      ).toEqual(['b=x']);
      expect(
        await outcomes(async (volume) =>
          removed(volume).then(async () => (await volume.open('a')).append([text('new')])),
        ),
      ).toEqual(['', 'a=', 'a=old']);
    });

    it('leaves the old small file or the new one of a replace under way', async () => {
      expect(
        await outcomes(async (volume) => {
          await volume.replace('a', text('old'));
          volume.disk.hold('replace');
          volume.replace('a', text('new')).catch(() => {});
        }),
      ).toEqual(['a=new', 'a=old']);
    });

    it('covers by a sync what came before it, and not what came while it was under way', async () => {
      const volume = createMemoryVolume({ random: seededRandom(3) });
      const file = await volume.open('a');
      await file.append([text('before')]);
      const release = volume.disk.hold('sync');
      const syncing = file.sync();
      await file.append([text('while')]);
      release();
      await syncing;
      volume.crash('lost');
      expect(await seen(volume.disk.mount(), 'a')).toBe('before');
    });

    it('fails what is under way', async () => {
      const volume = createMemoryVolume({ random: seededRandom(3) });
      const file = await volume.open('a');
      volume.disk.hold('append');
      const appending = file.append([text('x')]);
      volume.crash();
      await expect(appending).rejects.toMatchObject({ kind: 'closed' });
      await expect(volume.list('')).rejects.toMatchObject({ kind: 'closed' });
    });
  });

  describe('whose program is killed', () => {
    it('keeps what was written, and a later power cut may take it', async () => {
      const outcomes = new Set<string | undefined>();
      for (let seed = 0; seed < 40; seed++) {
        const volume = createMemoryVolume({ random: seededRandom(seed) });
        const file = await volume.open('log');
        await file.append([text('flushed ')]);
        await file.sync();
        await file.append([text('written')]);
        volume.disk.kill();
        await expect(file.append([text('x')])).rejects.toMatchObject({ kind: 'closed' });
        const again = volume.disk.mount();
        expect(await seen(again, 'log')).toBe('flushed written');
        again.crash('lost');
        outcomes.add(await seen(volume.disk.mount(), 'log'));
      }
      expect([...outcomes]).toEqual(['flushed ']);
    });

    it('has the old small file or the new one of a replace under way', async () => {
      const outcomes = new Set<string | undefined>();
      for (let seed = 0; seed < 40; seed++) {
        const volume = createMemoryVolume({ random: seededRandom(seed) });
        await volume.replace('vote', text('old'));
        volume.disk.hold('replace');
        volume.replace('vote', text('new')).catch(() => {});
        volume.disk.kill();
        outcomes.add(await seen(volume.disk.mount(), 'vote'));
      }
      expect([...outcomes].toSorted()).toEqual(['new', 'old']);
    });
  });

  describe('told to misbehave', () => {
    const mounted = async (): Promise<{
      disk: MemoryDisk;
      file: AppendFile;
      volume: MemoryVolume;
    }> => {
      const disk = new MemoryDisk({ random: seededRandom(5) });
      const volume = disk.mount();
      return { disk, volume, file: await volume.open('log/0') };
    };

    it('fails the operation that was planned, after so many others, once', async () => {
      const { disk, file } = await mounted();
      disk.failNext('read', 'failed', 2);
      await file.append([text('x')]);
      await file.read(0, 1);
      await file.read(0, 1);
      await expect(file.read(0, 1)).rejects.toMatchObject({ kind: 'failed', file: 'log/0' });
      await file.read(0, 1);
    });

    it('fails the file that was meant', async () => {
      const { disk, volume, file } = await mounted();
      disk.failNext('append', 'failed', 0, 'other/');
      await file.append([text('x')]);
      const other = await volume.open('other/0');
      await expect(other.append([text('x')])).rejects.toMatchObject({ kind: 'failed' });
    });

    it('leaves a torn append on the disk', async () => {
      const sizes = new Set<number>();
      for (let i = 0; i < 30; i++) {
        const { disk, volume, file } = await mounted();
        for (let skipped = 0; skipped < i; skipped++) disk.random.uint32();
        disk.failNext('append');
        await expect(file.append([text('abc'), text('def')])).rejects.toMatchObject({
          kind: 'failed',
        });
        expect(file.sizeBytes).toBe(0);
        await file.close();
        sizes.add((await volume.list(''))[0]?.sizeBytes ?? -1);
      }
      expect(sizes.size).toBeGreaterThan(3);
    });

    it('is full at its capacity', async () => {
      const { disk, volume, file } = await mounted();
      disk.capacityBytes = 10;
      await file.append([text('12345678')]);
      await expect(file.append([text('901')])).rejects.toMatchObject({ kind: 'full' });
      await expect(volume.replace('vote', text('123'))).rejects.toMatchObject({ kind: 'full' });
      await file.truncate(7);
      await volume.replace('vote', text('123'));
      await expect(file.append([text('8')])).rejects.toMatchObject({ kind: 'full' });
      disk.capacityBytes = 11;
      await file.truncate(7);
      await file.append([text('8')]);
    });

    it('flips the bits of one byte', async () => {
      const { disk, file } = await mounted();
      await file.append([Uint8Array.of(1, 2, 3)]);
      disk.corrupt('log/0', 1, 0x81);
      expect(await file.read(0, 3)).toEqual(Uint8Array.of(1, 0x83, 3));
      expect(() => disk.corrupt('log/0', 3, 1)).toThrow(RangeError);
    });

    it('lets operations wait until they are released, and those of other files go on', async () => {
      const { disk, volume, file } = await mounted();
      const other = await volume.open('log/1');
      const release = disk.hold('append', 'log/0');
      let isDone = false;
      const appending = file.append([text('x')]).then(() => (isDone = true));
      await other.append([text('y')]);
      await other.sync();
      expect(isDone).toBe(false);
      release();
      await appending;
    });

    it('takes the time that its pace says, and keeps the order', async () => {
      const waits: (() => void)[] = [];
      const disk = new MemoryDisk({
        random: seededRandom(5),
        pace: (operation) =>
          operation === 'append' ? new Promise((resolve) => waits.push(resolve)) : undefined,
      });
      const file = await disk.mount().open('log/0');
      const calls = [file.append([text('a')]), file.append([text('b')])];
      await file.read(0, 1);
      expect(waits.length).toBe(1);
      waits[0]?.();
      await calls[0];
      await file.read(0, 1);
      waits[1]?.();
      await Promise.all(calls);
      expect(Buffer.from(await file.read(0, 2)).toString()).toBe('ab');
    });
  });
});
