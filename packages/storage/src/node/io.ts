/**
 * The part of node:fs that the volume uses, in its callback form: measured twice as fast for small writes as FileHandle, and a
 * test can hand in one that fails.
 */
import type * as nodeFs from 'node:fs';
import type { BigIntStats, Dirent } from 'node:fs';

export type NodeFs = Pick<
  typeof nodeFs,
  | 'open'
  | 'close'
  | 'read'
  | 'writev'
  | 'fstat'
  | 'ftruncate'
  | 'fdatasync'
  | 'fsync'
  | 'stat'
  | 'readdir'
  | 'mkdir'
  | 'rmdir'
  | 'unlink'
  | 'rename'
  | 'link'
>;

/** Everything but the hot path (append, read) is written with these promises. */
export interface Io {
  readonly fs: NodeFs;
  open(path: string, flags: string, mode?: number): Promise<number>;
  close(fd: number): Promise<void>;
  fstat(fd: number): Promise<BigIntStats>;
  ftruncate(fd: number, sizeBytes: number): Promise<void>;
  fdatasync(fd: number): Promise<void>;
  fsync(fd: number): Promise<void>;
  stat(path: string): Promise<BigIntStats>;
  /** Entries with their types. */
  readdir(path: string): Promise<Dirent[]>;
  mkdir(path: string, mode: number): Promise<void>;
  rmdir(path: string): Promise<void>;
  unlink(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  link(from: string, to: string): Promise<void>;
  /** Fills `bytes` from `position`, up to the end of the file; gives how many came. */
  read(fd: number, bytes: Uint8Array, position: number): Promise<number>;
  /** Writes all of them, however often it takes. On failure `wroteBytes` of the error tells how many went down. */
  write(fd: number, chunks: readonly Uint8Array[], position: number): Promise<void>;
}

/** A system error with its code, as node:fs gives it. */
export type SystemError = NodeJS.ErrnoException & { wroteBytes?: number };

/** An interrupted or not yet possible call is made again this often before it counts as refused. */
const TRANSIENT_RETRIES_MAX = 1_000;
/** A write that takes nothing and reports nothing is made again this often. */
const EMPTY_WRITES_MAX = 10;

export function createIo(fs: NodeFs): Io {
  return {
    fs,
    open: (path, flags, mode) => called((done) => fs.open(path, flags, mode, done)),
    close: (fd) => called((done) => fs.close(fd, done)),
    fstat: (fd) => called((done) => fs.fstat(fd, { bigint: true }, done)),
    ftruncate: (fd, sizeBytes) => called((done) => fs.ftruncate(fd, sizeBytes, done)),
    fdatasync: (fd) => called((done) => fs.fdatasync(fd, done)),
    fsync: (fd) => called((done) => fs.fsync(fd, done)),
    stat: (path) => called((done) => fs.stat(path, { bigint: true }, done)),
    readdir: (path) => called((done) => fs.readdir(path, { withFileTypes: true }, done)),
    mkdir: (path, mode) => called((done) => fs.mkdir(path, mode, done)),
    rmdir: (path) => called((done) => fs.rmdir(path, done)),
    unlink: (path) => called((done) => fs.unlink(path, done)),
    rename: (from, to) => called((done) => fs.rename(from, to, done)),
    link: (from, to) => called((done) => fs.link(from, to, done)),
    read: (fd, bytes, position) => called((done) => readFully(fs, fd, bytes, position, done)),
    write: (fd, chunks, position) => called((done) => writeFully(fs, fd, chunks, position, done)),
  };
}

export function isErrorOf(error: unknown, ...codes: readonly string[]): error is SystemError {
  return error instanceof Error && codes.includes((error as SystemError).code ?? '');
}

/** Reads until `bytes` is full or the file ends. */
export function readFully(
  fs: NodeFs,
  fd: number,
  bytes: Uint8Array,
  position: number,
  done: (error: Error | null, length: number) => void,
): void {
  let length = 0;
  let retries = 0;
  const next = (): void =>
    fs.read(fd, bytes, length, bytes.length - length, position + length, came);
  const came = (error: SystemError | null, readBytes: number): void => {
    if (error !== null) {
      if (isTransient(error) && retries++ < TRANSIENT_RETRIES_MAX) setImmediate(next);
      else done(error, length);
      return;
    }
    length += readBytes;
    if (readBytes === 0 || length === bytes.length) done(null, length);
    else next();
  };
  if (bytes.length === 0) done(null, 0);
  else next();
}

/** Writes all chunks; a short write is continued where it stopped. */
export function writeFully(
  fs: NodeFs,
  fd: number,
  chunks: readonly Uint8Array[],
  position: number,
  done: (error: SystemError | null) => void,
): void {
  let left = chunks;
  let leftBytes = 0;
  for (const chunk of chunks) leftBytes += chunk.length;
  let wroteBytes = 0;
  let retries = 0;
  let emptyWrites = 0;
  const next = (): void => fs.writev(fd, left, position + wroteBytes, went);
  const went = (error: SystemError | null, writtenBytes: number): void => {
    if (error !== null) {
      if (isTransient(error) && retries++ < TRANSIENT_RETRIES_MAX) return void setImmediate(next);
      return done(Object.assign(error, { wroteBytes }));
    }
    wroteBytes += writtenBytes;
    leftBytes -= writtenBytes;
    if (leftBytes === 0) return done(null);
    if (writtenBytes === 0 && ++emptyWrites > EMPTY_WRITES_MAX) {
      return done(
        Object.assign(new Error('the system takes no bytes and gives no reason'), {
          code: 'EIO',
          wroteBytes,
        }),
      );
    }
    left = withoutFirst(left, writtenBytes);
    next();
  };
  if (leftBytes === 0) done(null);
  else next();
}

function withoutFirst(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let index = 0;
  let skip = bytes;
  for (let chunk = chunks[0]; chunk !== undefined && skip >= chunk.length; chunk = chunks[++index])
    skip -= chunk.length;
  const left = chunks.slice(index);
  if (skip > 0 && left[0] !== undefined) left[0] = left[0].subarray(skip);
  return left;
}

function isTransient(error: SystemError): boolean {
  return error.code === 'EINTR' || error.code === 'EAGAIN';
}

type Done<T> = (error: Error | null, value?: T) => void;

function called<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error !== null && error !== undefined) reject(error);
      else resolve(value as T);
    });
  });
}
