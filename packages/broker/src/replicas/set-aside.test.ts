/** A damaged log is set aside, whatever stops the broker meanwhile: it is there whole, or kept whole, and never half a log. */
import { INCOMPLETE } from '@odradek/log';
import type { Volume } from '@odradek/ports';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { MemoryDisk } from '@odradek/storage/memory';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../testing/test-broker.ts';
import {
  asideFolderOf,
  finishSettingAside,
  isSetAside,
  removeAside,
  setLogAside,
} from './set-aside.ts';

const KEY = { topic: 'words', topicId: '0123456789abcdef0123456789abcdef', partition: 0 };
const ASIDE = 'words-0.0123456789abcdef0123456789abcdef-stray';
const FILES: Readonly<Record<string, string>> = {
  '00000000000000000000.log': 'the first segment',
  '00000000000000000007.log': 'the second one',
  '00000000000000000007.snapshot': 'producers',
  'leader-epoch-checkpoint': 'epochs',
  'partition.metadata': 'topic id',
};
const DERIVED = '00000000000000000000.index';

const damagedLog = async (seed: number): Promise<MemoryDisk> => {
  const disk = new MemoryDisk({ random: seededRandom(seed), traits: { durability: 'disk' } });
  const volume = disk.mount();
  for (const [name, text] of Object.entries({ ...FILES, [DERIVED]: 'places' })) {
    if (!name.endsWith('.log')) {
      await volume.replace(`words-0/${name}`, utf8Encode(text));
      continue;
    }
    const file = await volume.open(`words-0/${name}`);
    await file.append([utf8Encode(text)]);
    await file.sync();
    await file.close();
  }
  await volume.close();
  return disk;
};

const texts = async (volume: Volume, folder: string): Promise<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const { name } of await volume.list(`${folder}/`))
    found[name.slice(folder.length + 1)] = utf8Decode((await volume.readSmall(name))!);
  return found;
};

describe('a damaged log that is set aside', () => {
  it('is kept under a name of its own with the reason, and its folder is as good as new', async () => {
    const volume = (await damagedLog(1)).mount();
    const steps: string[] = [];
    await setLogAside(volume, KEY, 'a bit has turned', async () => {
      steps.push(...Object.keys(await texts(volume, 'words-0')));
    });
    // What was noted of it is forgotten before anything of it goes.
    expect(steps).toEqual(expect.arrayContaining(Object.keys(FILES)));
    expect(asideFolderOf(KEY)).toBe(ASIDE);
    const { 'why.txt': why, ...kept } = await texts(volume, ASIDE);
    expect(kept).toEqual(FILES);
    expect(why).toContain('a bit has turned');
    expect(await texts(volume, 'words-0')).toEqual({
      [INCOMPLETE]: '',
      'partition.metadata': 'topic id',
    });
  });

  it('makes room for one that is set aside later, and goes when the topic does', async () => {
    const volume = (await damagedLog(2)).mount();
    await volume.replace(`${ASIDE}/00000000000000000003.log`, utf8Encode('an older one'));
    await setLogAside(volume, KEY, '', async () => {});
    expect(Object.keys(await texts(volume, ASIDE))).not.toContain('00000000000000000003.log');
    await removeAside(volume, KEY);
    expect(await texts(volume, ASIDE)).toEqual({});
  });

  it('is left as it is when there is no room to keep it', async () => {
    const disk = await damagedLog(3);
    const volume = disk.mount();
    disk.capacityBytes = disk.usedBytes + 20;
    await expect(setLogAside(volume, KEY, '', async () => {})).rejects.toMatchObject({
      kind: 'full',
    });
    expect(await texts(volume, 'words-0')).toEqual({ ...FILES, [DERIVED]: 'places' });
  });

  it('keeps what can be read of a disk that refuses', async () => {
    const disk = await damagedLog(4);
    const volume = disk.mount();
    disk.failNext('read', 'failed', 0, 'words-0/00000000000000000000.log');
    await setLogAside(volume, KEY, '', async () => {});
    const kept = await texts(volume, ASIDE);
    expect(kept['00000000000000000007.log']).toBe('the second one');
    expect(kept['why.txt']).toContain('00000000000000000000.log: nothing could be read');
  });

  it('is whole in one place or the other, wherever the power goes', async () => {
    let endings = 0;
    for (let seed = 0; endings < 10; seed++) {
      // The disk stops after so many operations.
      let left = seed % 60;
      const disk = await damagedLog(seed);
      const life = disk.mount();
      const stopping = new Proxy(life, {
        get(target, name: keyof Volume) {
          const value: unknown = target[name];
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            if (left-- <= 0) return new Promise(() => {});
            return (value as (...args: unknown[]) => unknown).apply(target, args);
          };
        },
      });
      let isDone = false;
      void setLogAside(stopping, KEY, '', async () => {}).then(() => (isDone = true));
      for (let turn = 0; turn < 400; turn++) await Promise.resolve();
      if (isDone) endings++;
      disk.crash();
      const volume = disk.mount();
      const files = await volume.list('words-0/');
      if (isSetAside('words-0', files)) {
        await finishSettingAside(volume, 'words-0', files, async () => {});
      }
      const there = await texts(volume, 'words-0');
      const { 'why.txt': _, ...kept } = await texts(volume, ASIDE);
      if (there['00000000000000000000.log'] === undefined) {
        expect(kept).toEqual(FILES);
        expect(there).toEqual({ [INCOMPLETE]: '', 'partition.metadata': 'topic id' });
      } else expect(there).toEqual({ ...FILES, [DERIVED]: 'places' });
    }
  });
});
