import { MemoryDisk, type MemoryVolume } from '@odradek/storage/memory';
import { silentLogger } from '@odradek/ports';
import { crc32cJs, offset, utf8Encode } from '@odradek/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { CheckpointFiles } from './checkpoint-files.ts';
import { seededRandom } from './testing/test-broker.ts';

const STARTS = 'log-start-offset-checkpoint';
const SUMS = 'checkpoint-checksums';
const entriesAt = (value: number) => [{ topic: 'words', partition: 0, offset: offset(value) }];

describe('checkpoints', () => {
  let disk: MemoryDisk;
  let volume: MemoryVolume;
  beforeEach(() => {
    disk = new MemoryDisk({ random: seededRandom(1) });
    volume = disk.mount();
  });

  const open = async (): Promise<CheckpointFiles> => {
    const files = new CheckpointFiles({ volume, crc32c: crc32cJs, logger: silentLogger });
    await files.open();
    return files;
  };
  const read = async () => (await open()).read(STARTS);

  it('come back as they were written', async () => {
    expect(await read()).toEqual([]);
    const files = await open();
    await files.write(STARTS, entriesAt(33));
    await files.write('recovery-point-offset-checkpoint', entriesAt(40));
    await files.write(STARTS, entriesAt(35));
    expect(await read()).toEqual(entriesAt(35));
  });

  it('are not believed with any bit turned, digits above all', async () => {
    await (await open()).write(STARTS, entriesAt(33));
    const size = (await volume.readSmall(STARTS))!.length;
    for (let bit = 0; bit < size * 8; bit++) {
      disk.corrupt(STARTS, bit >> 3, 1 << (bit & 7));
      expect(await read()).toBeUndefined();
      disk.corrupt(STARTS, bit >> 3, 1 << (bit & 7));
    }
  });

  it('are believed when it is their checksums that are damaged', async () => {
    await (await open()).write(STARTS, entriesAt(33));
    const size = (await volume.readSmall(SUMS))!.length;
    for (let bit = 0; bit < size * 8; bit++) {
      disk.corrupt(SUMS, bit >> 3, 1 << (bit & 7));
      expect(await read()).toEqual(entriesAt(33));
      disk.corrupt(SUMS, bit >> 3, 1 << (bit & 7));
    }
  });

  it('are known whichever of the two files a crash left behind', async () => {
    const files = await open();
    await files.write(STARTS, entriesAt(33));
    disk.failNext('replace', 'failed', 0, STARTS);
    await expect(files.write(STARTS, entriesAt(35))).rejects.toThrow();
    expect(await read()).toEqual(entriesAt(33));
    await (await open()).write(STARTS, entriesAt(36));
    expect(await read()).toEqual(entriesAt(36));
  });

  it('of another program, which knows of no checksums, are believed', async () => {
    await volume.replace(STARTS, utf8Encode('0\n1\nwords 0 12\n'));
    expect(await read()).toEqual(entriesAt(12));
  });
});
