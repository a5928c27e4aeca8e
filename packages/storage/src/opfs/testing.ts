/** For tests: a folder of its own, whose owner can be robbed and whose files can be told to refuse. */
import type { VolumeSetup } from '@odradek/ports/testing';
import { openOpfsVolume, opfsLock, type Directory, type SyncHandle } from './index.ts';

type Operation = 'append' | 'sync' | 'replace';

let count = 0;

export const newFolderName = (): string => `test-${Date.now()}-${++count}`;

export const originDirectory = async (): Promise<Directory> =>
  (await navigator.storage.getDirectory()) as unknown as Directory;

export async function folderSetup(): Promise<VolumeSetup> {
  const name = newFolderName();
  const root = await originDirectory();
  const refusals = new Map<Operation, string>();
  return {
    open: () => openOpfsVolume({ name, lockWaitMs: 1_500, parent: refusing(root, refusals) }),
    crash: () => stealLock(opfsLock(name)),
    failNext: (operation, kind) =>
      void refusals.set(operation, kind === 'full' ? 'QuotaExceededError' : 'UnknownError'),
    dispose: () =>
      (
        root as unknown as { removeEntry(name: string, options: object): Promise<void> }
      ).removeEntry(name, { recursive: true }),
  };
}

/** Takes the lock away from whoever has it, which ends his volume, as the browser does when a worker dies. */
export async function stealLock(lock: string): Promise<void> {
  await navigator.locks.request(lock, { steal: true }, () => {});
}

/** The directory, with handles that refuse once what is named in `refusals`, half done. */
function refusing(directory: Directory, refusals: Map<Operation, string>): Directory {
  return {
    getDirectoryHandle: async (name, options) =>
      refusing(await directory.getDirectoryHandle(name, options), refusals),
    async getFileHandle(name, options) {
      const file = await directory.getFileHandle(name, options);
      const write = name.startsWith('catalog') ? 'replace' : 'append';
      return {
        getFile: () => file.getFile(),
        createSyncAccessHandle: async () =>
          refusingHandle(await file.createSyncAccessHandle(), write, refusals),
      };
    },
    removeEntry: (name) => directory.removeEntry(name),
    keys: () => directory.keys(),
  };
}

function refusingHandle(
  handle: SyncHandle,
  write: Operation,
  refusals: Map<Operation, string>,
): SyncHandle {
  const refuse = (operation: Operation): void => {
    const name = refusals.get(operation);
    if (name === undefined) return;
    refusals.delete(operation);
    throw new DOMException('refused', name);
  };
  return {
    read: (bytes, options) => handle.read(bytes, options),
    write(bytes, options) {
      if (refusals.has(write))
        handle.write(bytes.subarray(0, Math.floor(bytes.length / 2)), options);
      refuse(write);
      return handle.write(bytes, options);
    },
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    getSize: () => handle.getSize(),
    flush() {
      if (write === 'append') refuse('sync');
      handle.flush();
    },
    close: () => handle.close(),
  };
}
