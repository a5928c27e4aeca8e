import { describe, expect, it } from 'vitest';
import { seededRandom } from '@odradek/ports/testing';
import { createMemoryVolume } from '@odradek/storage/memory';
import { NEVER } from './log-config.ts';
import { LogFile, OpenFiles } from './open-files.ts';
import { LogResources } from './resources.ts';
import { HandClock, append, at, openLog, readAll, turns, valuesOf } from './testing/fixture.ts';

const random = seededRandom(9);
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('open files', () => {
  it('are no more than may be, and each is there when it is used', async () => {
    const volume = createMemoryVolume({ random, traits: { openFilesMax: 3 } });
    const openFiles = new OpenFiles(3);
    const files = Array.from({ length: 20 }, (_, n) => new LogFile(`file-${n}`, volume, openFiles));
    await Promise.all(
      files.flatMap((file, n) => [
        file.append([bytes(n)]),
        file.append([bytes(n + 1)]),
        file.sync(),
      ]),
    );
    expect(await Promise.all(files.map((file) => file.read(0, 10)))).toEqual(
      files.map((_, n) => bytes(n, n + 1)),
    );
    expect(openFiles.count).toBeLessThanOrEqual(3);
    await Promise.all(files.map((file) => file.retire()));
    expect(openFiles.count).toBe(0);
    await expect(files[0]!.read(0, 1)).rejects.toThrow('is closed');
  });

  it('keep the order of calls, whether they had to be opened or not', async () => {
    const volume = createMemoryVolume({ random });
    const file = new LogFile('ordered', volume, new OpenFiles(5));
    const first = file.append([bytes(1)]);
    await turns(2);
    const calls = [first, file.append([bytes(2)]), file.sync()];
    await Promise.all(calls);
    volume.crash('lost');
    const again = await volume.disk.mount().open('ordered');
    expect(await again.read(0, 9)).toEqual(bytes(1, 2));
  });

  it('suffice for many logs that leave flushing to the system, on a volume of few handles', async () => {
    const volume = createMemoryVolume({ random, traits: { openFilesMax: 2 } });
    const clock = new HandClock();
    const resources = new LogResources({
      clock,
      traits: volume.traits,
      openFilesMax: 2,
      tailBytesMax: 0,
    });
    const config = { flushMessages: NEVER, segmentBytes: 500 };
    const logs = await Promise.all(
      Array.from({ length: 12 }, (_, partition) =>
        openLog(volume, { random, clock, resources, config, partition }),
      ),
    );
    const words = Array.from({ length: 20 }, (_, n) => `word-${n}`);
    for (const word of words) {
      for (const log of logs) append(log, [word]);
      await turns();
    }
    for (const log of logs) expect(valuesOf(await readAll(log, at(0), 300))).toEqual(words);
    await Promise.all(logs.map((log) => log.close({ clean: true })));
    expect(resources.openFiles.count).toBe(0);
  });
});
