/**
 * The part of the origin private file system that the volume uses, so that a test can hand in one that refuses. Synchronous
 * access handles exist in dedicated workers alone; each is the only one of its file, whoever asks.
 */
export interface Directory {
  getDirectoryHandle(name: string, options: { create: boolean }): Promise<Directory>;
  getFileHandle(name: string, options: { create: boolean }): Promise<FileHandle>;
  removeEntry(name: string): Promise<void>;
  keys(): AsyncIterableIterator<string>;
}

export interface FileHandle {
  getFile(): Promise<{ readonly size: number }>;
  createSyncAccessHandle(): Promise<SyncHandle>;
}

export interface SyncHandle {
  read(bytes: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(sizeBytes: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

/** A worker that was terminated lets go of its handles a moment after its Web Lock: so often it is looked again... */
const HANDLE_ATTEMPTS_MAX = 12;
/** ...after this time first, then after twice as much, up to a quarter of a second. */
const HANDLE_WAIT_MS = 2;
const HANDLE_WAIT_MS_MAX = 250;

/** Opens the file for reading and writing; it is made when `create` says so. */
export async function openHandle(
  directory: Directory,
  name: string,
  create: boolean,
): Promise<SyncHandle> {
  const file = await directory.getFileHandle(name, { create });
  for (let attempt = 1; ; attempt++) {
    try {
      return await file.createSyncAccessHandle();
    } catch (error) {
      if (!isNamed(error, 'NoModificationAllowedError') || attempt === HANDLE_ATTEMPTS_MAX)
        throw error;
      const waitMs = Math.min(HANDLE_WAIT_MS * 2 ** attempt, HANDLE_WAIT_MS_MAX);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

/** Writes all of it, or throws. */
export function writeAll(handle: SyncHandle, bytes: Uint8Array, at: number): void {
  if (bytes.length === 0) return;
  const written = counted(handle.write(bytes, { at }), bytes.length);
  if (written === bytes.length) return;
  // Said without an exception by browsers that notice the quota only while they write.
  throw new DOMException(
    `only ${written} of ${bytes.length} bytes went down`,
    'QuotaExceededError',
  );
}

/** Up to the end of the file; in memory of its own. */
export function readUpTo(handle: SyncHandle, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let got = 0;
  while (got < length) {
    const rest = got === 0 ? bytes : bytes.subarray(got);
    const count = counted(handle.read(rest, { at: position + got }), rest.length);
    if (count === 0) break;
    got += count;
  }
  return got === length ? bytes : bytes.slice(0, got);
}

/** Of a file that is there. */
export function sizeOf(handle: SyncHandle): number {
  const size = handle.getSize();
  if (Number.isSafeInteger(size)) return size;
  throw new DOMException('the file is no longer there', 'InvalidStateError');
}

/** As Chromium numbers them (base/files/file.h). */
const NOT_FOUND = -4;
const NO_SPACE = -8;

/**
 * When an origin's storage is cleared, Chromium takes the files from under open handles and says nothing: `read` and `write` give a
 * negative error as an unsigned number, `getSize` one beyond all sizes, and `flush` is content.
 */
function counted(count: number, max: number): number {
  if (count <= max) return count;
  const code = count | 0;
  if (code === NOT_FOUND)
    throw new DOMException('the file is no longer there', 'InvalidStateError');
  if (code === NO_SPACE) throw new DOMException('the disk is full', 'QuotaExceededError');
  throw new DOMException(`the file gives the error ${code}`, 'UnknownError');
}

export const isNamed = (error: unknown, name: string): boolean =>
  error instanceof Error && error.name === name;
