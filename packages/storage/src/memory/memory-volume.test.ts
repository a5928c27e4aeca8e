import { describe, expect, it } from 'vitest';
import { seededRandom } from '@odradek/ports/testing';
import { createMemoryVolume } from './index.ts';

describe('a memory volume', () => {
  it('keeps what was synced over a crash', async () => {
    const volume = createMemoryVolume({ random: seededRandom(1) });
    const file = await volume.open('a/b.log');
    const appended = [file.append([Uint8Array.of(1, 2)]), file.append([Uint8Array.of(3)])];
    expect(file.sizeBytes).toBe(3);
    await Promise.all([...appended, file.sync()]);
    await file.append([Uint8Array.of(4)]);
    volume.crash('lost');
    await expect(file.append([Uint8Array.of(5)])).rejects.toMatchObject({ kind: 'closed' });
    const again = await volume.disk.mount().open('a/b.log');
    expect(await again.read(0, 10)).toEqual(Uint8Array.of(1, 2, 3));
  });
});
