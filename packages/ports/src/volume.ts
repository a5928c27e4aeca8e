/**
 * A place to keep files: an append-only log and one atomic small write, not POSIX. No rename: OPFS and IndexedDB have
 * none that can be trusted. Names are relative, of segments `[A-Za-z0-9._-]+` joined by `/` (no `.` or `..` segment);
 * folders are implied by names. An adapter knows no word of Kafka's.
 *
 * The fault model that every adapter is held to, and the suite that holds it, stand in testing/volume-contract.ts.
 */
export interface Volume {
  readonly traits: VolumeTraits;
  /** Opens for append and read, creating an empty file when absent. A name may be open once only: 'locked' otherwise. */
  open(name: string): Promise<AppendFile>;
  /** Every file whose name starts with `prefix` (a plain string prefix), sorted by name. */
  list(prefix: string): Promise<readonly FileEntry[]>;
  /** Removes a file; absent is not an error. Durable at the next `sync` or `replace` at the latest. A file must be closed first. */
  remove(name: string): Promise<void>;
  /** All-or-nothing replacement of a small file, durable on return: for checkpoints, votes, snapshots. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /** The whole of a small file, or undefined when absent. */
  readSmall(name: string): Promise<Uint8Array | undefined>;
  /** Closes every open file and gives up the lock. */
  close(): Promise<void>;
}

export interface VolumeTraits {
  /** What `sync` is worth. none: gone with the process; os: survives the process, not the machine; disk: survives both. */
  readonly durability: 'none' | 'os' | 'disk';
  /** How many files may be open at once. */
  readonly openFilesMax: number;
  /** For people: "/var/lib/odradek", "memory". */
  readonly location: string;
}

export interface FileEntry {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface AppendFile {
  readonly name: string;
  /** Bytes appended so far, those of appends still under way included. */
  readonly sizeBytes: number;
  /**
   * Appends the chunks in order, calls taking effect in call order. The caller leaves the chunks unchanged until it
   * settles. After a failure the tail is undefined up to the size before the call: the caller truncates or gives up.
   * Until it has truncated, every later append and sync fails with the same kind, those already queued included: calls
   * may be made one after another without waiting, and never leave a gap.
   */
  append(chunks: readonly Uint8Array[]): Promise<void>;
  /**
   * Bytes [position, position+length), fewer at the end of the file. Sees every append that settled before the call;
   * of those under way any part or nothing. The result is the caller's.
   */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Cuts the file to `sizeBytes`, after the appends before it. Growing is refused. */
  truncate(sizeBytes: number): Promise<void>;
  /**
   * What was appended (and truncated) before this call survives a crash, as far as `traits.durability` says. A failed
   * sync poisons the file: every later append and sync on it fails (the kernel may have dropped the dirty pages).
   */
  sync(): Promise<void>;
  /** Waits for what was called before it. No promise of durability: that is `sync`. Idempotent. */
  close(): Promise<void>;
}

export type VolumeErrorKind =
  /** No space or quota left, of bytes or of open files. */
  | 'full'
  /** Held by another owner. */
  | 'locked'
  /** The device refused: unknown state, do not go on with this file. */
  | 'failed'
  /** Used after close, or the storage was taken away. */
  | 'closed'
  /** A name or an argument that the contract does not allow. */
  | 'invalid';

/** The environment's failure, typed. `message` says what to do. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
  readonly kind: VolumeErrorKind;
  readonly file: string | undefined;
  constructor(
    kind: VolumeErrorKind,
    message: string,
    options: { file?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.file = options.file;
  }
}

/** What the meanest of the file systems in use takes: 255 a segment, and well under macOS's 1,024 a path. */
export const FILE_NAME_SEGMENT_LENGTH_MAX = 255;
export const FILE_NAME_LENGTH_MAX = 768;

/** What `replace` takes and `readSmall` gives: enough for a snapshot, too little to be used in a log's place. */
export const SMALL_FILE_BYTES_MAX = 256 * 1024 * 1024;

const fileNamePattern = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

/** The one reading of the rule on names, for adapters. */
export function isFileName(name: string): boolean {
  return (
    name.length <= FILE_NAME_LENGTH_MAX &&
    fileNamePattern.test(name) &&
    name
      .split('/')
      .every(
        (segment) =>
          segment !== '.' && segment !== '..' && segment.length <= FILE_NAME_SEGMENT_LENGTH_MAX,
      )
  );
}

/** Throws VolumeError 'invalid' for a name that no adapter may take. */
export function assertFileName(name: string): void {
  if (isFileName(name)) return;
  throw new VolumeError(
    'invalid',
    `${JSON.stringify(name.slice(0, 100))} is no file name: segments of [A-Za-z0-9._-] joined by '/', none of them '.' or '..'`,
  );
}
