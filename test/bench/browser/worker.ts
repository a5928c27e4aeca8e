/** Runs in a dedicated worker: appends of 16 KiB to a volume, and the same to the browser's storage with nothing in between. */
import type { Volume } from '@odradek/ports';
import { openIndexedDbVolume } from '@odradek/storage/indexeddb';
import { openOpfsVolume } from '@odradek/storage/opfs';

const BATCH_BYTES = 16 * 1024;
const batch = new Uint8Array(BATCH_BYTES).map((_, i) => (i * 31 + (i >>> 8)) & 0xff);

export interface Case {
  readonly storage: 'indexeddb' | 'opfs';
  /** Whether what is appended is flushed before the next is begun. */
  readonly flush: boolean;
  /** Appends that are under way together. */
  readonly depth: number;
  readonly isRaw: boolean;
  readonly windowMs: number;
}

/** MiB a second. */
async function run(it: Case): Promise<number> {
  const name = `bench-${Math.random()}`;
  const { step, end } = it.isRaw ? await raw(it, name) : await ours(it, name);
  await step();
  const startedAt = performance.now();
  let batches = 0;
  while (performance.now() - startedAt < it.windowMs) {
    await step();
    batches += it.depth;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await end();
  return (batches * BATCH_BYTES) / 2 ** 20 / seconds;
}

interface Steps {
  step(): Promise<unknown> | void;
  end(): Promise<void>;
}

async function ours({ storage, flush, depth }: Case, name: string): Promise<Steps> {
  const volume = await open(storage, flush, name);
  const file = await volume.open('topic-0/00000000000000000000.log');
  return {
    step: () => {
      const calls = Array.from({ length: depth }, () => file.append([batch]));
      if (flush) calls.push(file.sync());
      return Promise.all(calls);
    },
    async end() {
      await file.close();
      await volume.remove(file.name);
      await volume.close();
    },
  };
}

function open(storage: Case['storage'], flush: boolean, name: string): Promise<Volume> {
  if (storage === 'opfs') return openOpfsVolume({ name });
  return openIndexedDbVolume({ name, durability: flush ? 'strict' : 'relaxed' });
}

const raw = (it: Case, name: string): Promise<Steps> =>
  it.storage === 'opfs' ? rawOpfs(it, name) : rawIndexedDb(it, name);

/** Values of the batches' size, as many in a transaction as are under way. */
async function rawIndexedDb({ flush, depth }: Case, name: string): Promise<Steps> {
  const opening = indexedDB.open(name);
  opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore('rows'));
  const db = await new Promise<IDBDatabase>((resolve, reject) => {
    opening.addEventListener('success', () => resolve(opening.result));
    opening.addEventListener('error', () => reject(opening.error!));
  });
  let key = 0;
  return {
    step: () =>
      new Promise<void>((resolve, reject) => {
        const durability = flush ? 'strict' : 'relaxed';
        const transaction = db.transaction('rows', 'readwrite', { durability });
        const store = transaction.objectStore('rows');
        for (let i = 0; i < depth; i++) store.put(batch, key++);
        transaction.commit();
        transaction.addEventListener('complete', () => resolve());
        transaction.addEventListener('abort', () => reject(transaction.error!));
      }),
    async end() {
      db.close();
      indexedDB.deleteDatabase(name);
    },
  };
}

interface SyncHandle {
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}

async function rawOpfs({ flush, depth }: Case, name: string): Promise<Steps> {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle(name, { create: true });
  const access = await (
    handle as unknown as { createSyncAccessHandle(): Promise<SyncHandle> }
  ).createSyncAccessHandle();
  let at = 0;
  return {
    step: () => {
      for (let i = 0; i < depth; i++) at += access.write(batch, { at });
      if (flush) access.flush();
    },
    async end() {
      access.close();
      await root.removeEntry(name);
    },
  };
}

addEventListener('message', ({ data }: MessageEvent<Case>) => {
  void run(data).then(
    (mibPerSecond) => postMessage({ mibPerSecond }),
    (error: unknown) => postMessage({ error: String(error) }),
  );
});
