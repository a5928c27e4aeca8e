import type { Volume } from '@odradek/ports';
import { deleteDB, openDB } from 'idb';
import { afterEach, describe, expect, it } from 'vitest';
import { cdp } from 'vitest/browser';
import { Database } from './database.ts';
import { EXTENT_BYTES } from './extents.ts';
import { openIndexedDbVolume } from './index.ts';
import { newDatabaseName, refuseNextPut } from './testing.ts';

/** The part of the DevTools protocol that is used here. */
const devtools = (): { send(method: string, params?: object): Promise<unknown> } =>
  cdp() as unknown as { send(method: string, params?: object): Promise<unknown> };

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

describe('a volume in IndexedDB', () => {
  const opened: Volume[] = [];
  const open = async (name: string): Promise<Volume> => {
    const volume = await openIndexedDbVolume({ name, openTimeoutMs: 5_000 });
    opened.push(volume);
    return volume;
  };
  afterEach(async () => {
    for (const volume of opened.splice(0)) {
      await volume.close();
      await deleteDB(volume.traits.location.slice('indexeddb:'.length));
    }
  });

  /** Where the values of a file lie, behind the volume's back. */
  async function layout(name: string): Promise<readonly [position: number, length: number][]> {
    const db = await openDB(name);
    const [keys, values] = await Promise.all([
      db.getAllKeys('extents') as Promise<[string, number][]>,
      db.getAll('extents') as Promise<Uint8Array[]>,
    ]);
    db.close();
    return keys.map(([, position], i) => [position, values[i]!.length]);
  }

  it('puts many small appends together into values of a mebibyte', async () => {
    const name = newDatabaseName();
    const volume = await open(name);
    const file = await volume.open('log');
    const chunk = 48 * 1024;
    const count = Math.ceil((2 * EXTENT_BYTES) / chunk) + 1;
    for (let i = 0; i < count; i++) await file.append([filled(chunk, i)]);
    const values = await layout(name);
    expect(values.slice(0, 2)).toEqual([
      [0, EXTENT_BYTES],
      [EXTENT_BYTES, EXTENT_BYTES],
    ]);
    const whole = await file.read(0, file.sizeBytes);
    expect(whole.length).toBe(count * chunk);
    expect(whole.findIndex((byte, at) => byte !== Math.floor(at / chunk))).toBe(-1);
    expect(await file.read(EXTENT_BYTES - 10, 20)).toEqual(
      whole.slice(EXTENT_BYTES - 10, EXTENT_BYTES + 10),
    );
  });

  it('does so too when the first half was written by an owner before, or was cut', async () => {
    const name = newDatabaseName();
    let volume = await open(name);
    let file = await volume.open('log');
    for (let i = 0; i < 6; i++) await file.append([filled(100_000, i)]);
    await file.truncate(450_000);
    await volume.close();
    volume = await open(name);
    file = await volume.open('log');
    for (let i = 0; i < 7; i++) await file.append([filled(100_000, 10 + i)]);
    expect(await layout(name)).toEqual([
      [0, EXTENT_BYTES],
      [EXTENT_BYTES, 1_050_000 - EXTENT_BYTES],
      [1_050_000, 100_000],
    ]);
    const whole = await file.read(0, 2_000_000);
    expect(whole.length).toBe(1_150_000);
    expect([0, 399_999, 449_999, 450_000, 1_149_999].map((at) => whole[at])).toEqual([
      0, 3, 4, 10, 16,
    ]);
  });

  it('writes a large append in large values at once, and leaves a few as they are', async () => {
    const name = newDatabaseName();
    const file = await (await open(name)).open('log');
    await file.append([filled(2 * EXTENT_BYTES + 5, 1)]);
    for (let i = 0; i < 2; i++) await file.append([filled(EXTENT_BYTES / 2, 2)]);
    expect((await layout(name)).map(([position]) => position)).toEqual([
      0,
      EXTENT_BYTES,
      2 * EXTENT_BYTES,
      2 * EXTENT_BYTES + 5,
      2 * EXTENT_BYTES + 5 + EXTENT_BYTES / 2,
      3 * EXTENT_BYTES,
    ]);
  });

  it('leaves nothing of what was removed', async () => {
    const name = newDatabaseName();
    const volume = await open(name);
    const file = await volume.open('log');
    await file.append([filled(3_000_000, 1)]);
    await file.close();
    await volume.remove('log');
    expect(await layout(name)).toEqual([]);
  });

  it('does not let one file’s failure stop those that share its transaction', async () => {
    const volume = await open(newDatabaseName());
    const [one, other] = await Promise.all([volume.open('one'), volume.open('other')]);
    refuseNextPut('QuotaExceededError');
    await Promise.all([one.append([filled(10, 1)]), other.append([filled(10, 2)])]);
    expect(await other.read(0, 10)).toEqual(filled(10, 2));
  });

  it('says what its durability really is', async () => {
    expect((await open(newDatabaseName())).traits.durability).toBe('disk');
    const relaxed = await openIndexedDbVolume({ name: newDatabaseName(), durability: 'relaxed' });
    opened.push(relaxed);
    expect(relaxed.traits.durability).toBe('os');
  });

  it('ends, and says why, when another page deletes the database', async () => {
    const name = newDatabaseName();
    const volume = await open(name);
    const file = await volume.open('log');
    await file.append([filled(10, 1)]);
    await deleteDB(name);
    const gone = { kind: 'closed', message: expect.stringContaining('deletes or upgrades') };
    await expect(file.append([filled(10, 1)])).rejects.toMatchObject(gone);
    await expect(file.read(0, 1)).rejects.toMatchObject(gone);
    await expect(volume.replace('vote', filled(1, 1))).rejects.toMatchObject(gone);
    await expect(volume.list('')).rejects.toMatchObject(gone);
    await volume.close();
    expect(await (await open(name)).list('')).toEqual([]);
  });

  it('ends, and says why, when the storage is cleared; nothing is said to be written that is not', async () => {
    const name = newDatabaseName();
    const volume = await open(name);
    const file = await volume.open('log');
    const appends = Promise.allSettled(
      Array.from({ length: 50 }, () => file.append([filled(300_000, 1)])),
    );
    await devtools().send('Storage.clearDataForOrigin', {
      origin: location.origin,
      storageTypes: 'indexeddb',
    });
    await appends;
    await expect(file.append([filled(10, 1)])).rejects.toMatchObject({
      kind: 'closed',
      message: expect.stringContaining('taken away'),
    });
    await volume.close();
    expect(await (await open(name)).list('')).toEqual([]);
  });

  it('does not open what a newer version of the program wrote', async () => {
    const name = newDatabaseName();
    (await openDB(name, 99)).close();
    await expect(open(name)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('newer version'),
    });
    await deleteDB(name);
  });

  it('waits for no page for ever that keeps it from upgrading or opening', async () => {
    const options = { location: 'here', durability: 'strict', openTimeoutMs: 300 } as const;
    const name = newDatabaseName();
    const deaf = await openDB(name, 1);
    await expect(Database.open({ ...options, name, schemaVersion: 2 })).rejects.toMatchObject({
      kind: 'locked',
      message: expect.stringContaining('close or reload'),
    });
    await expect(Database.open({ ...options, name })).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('did not answer within 300 ms'),
    });
    deaf.close();
    await deleteDB(name);
  });

  it('can be taken from an owner who hangs, who is told so when he wakes up', async () => {
    const name = newDatabaseName();
    const hung = await open(name);
    const file = await hung.open('log');
    await file.append([filled(10, 1)]);
    const late = file.append([filled(5_000_000, 2)]);
    const next = await openIndexedDbVolume({ name, takeOver: true });
    opened.push(next);
    const again = await next.open('log');
    const { sizeBytes } = again;
    await late.catch(() => {});
    await expect(file.append([filled(1, 3)])).rejects.toMatchObject({
      kind: 'closed',
      message: expect.stringContaining('taken over'),
    });
    expect([10, 5_000_010]).toContain(sizeBytes);
    expect((await again.read(0, 6_000_000)).length).toBe(sizeBytes);
    expect(await next.list('')).toEqual([{ name: 'log', sizeBytes }]);
  });

  it('lets an owner write no more who hung and was robbed of his lock', async () => {
    const options = { location: 'here', durability: 'strict', openTimeoutMs: 2_000 } as const;
    const name = newDatabaseName();
    const hung = await Database.open({ ...options, name });
    await hung.change((transaction) => transaction.objectStore('files').put(1, 'size'));
    const next = await Database.open({ ...options, name });
    await expect(
      hung.change((transaction) => transaction.objectStore('files').put(2, 'size')),
    ).rejects.toMatchObject({ kind: 'closed', message: expect.stringContaining('taken over') });
    const size = await next.read((transaction) => transaction.objectStore('files').get('size'));
    expect(size).toBe(1);
    next.end('is closed');
    await deleteDB(name);
  });
});
