/** For tests: a database of its own, that can be robbed of its owner and told to refuse. */
import type { VolumeSetup } from '@odradek/ports/testing';
import { deleteDB } from 'idb';
import { indexedDbLock, openIndexedDbVolume } from './index.ts';

let count = 0;

export const newDatabaseName = (): string => `test-${Date.now()}-${++count}`;

export function databaseSetup(durability: 'strict' | 'relaxed'): VolumeSetup {
  const name = newDatabaseName();
  let restore = (): void => {};
  return {
    open: () => openIndexedDbVolume({ name, durability, lockWaitMs: 1_500 }),
    crash: () => stealLock(indexedDbLock(name)),
    failNext(operation, kind) {
      // Every change is a transaction, and a sync waits for those before it: there is nothing of its own to fail.
      if (operation === 'sync') return false;
      restore();
      restore = refuseNextPut(kind === 'full' ? 'QuotaExceededError' : 'UnknownError');
      return true;
    },
    async dispose() {
      restore();
      await deleteDB(name);
    },
  };
}

/** Takes the lock away from whoever has it, which ends his volume, as the browser does when a worker dies. */
export async function stealLock(lock: string): Promise<void> {
  await navigator.locks.request(lock, { steal: true }, () => {});
}

/** The store refuses one request that writes, with a DOMException of this name. */
export function refuseNextPut(name: string): () => void {
  const put = IDBObjectStore.prototype.put;
  const restore = (): void => {
    IDBObjectStore.prototype.put = put;
  };
  IDBObjectStore.prototype.put = () => {
    restore();
    throw new DOMException('refused', name);
  };
  return restore;
}
