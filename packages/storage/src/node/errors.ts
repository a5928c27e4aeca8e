/** What the system's refusals mean to the user of a volume. */
import { VolumeError, type VolumeErrorKind } from '@odradek/ports';
import type { SystemError } from './io.ts';

interface Meaning {
  readonly kind: VolumeErrorKind;
  readonly advice: string;
}

const outOfSpace: Meaning = { kind: 'full', advice: 'free some space or shorten the retention' };
const outOfDescriptors: Meaning = {
  kind: 'full',
  advice: 'raise the limit of open files (ulimit -n)',
};
const notAllowed: Meaning = {
  kind: 'failed',
  advice: 'check who owns the folder and how it is mounted',
};
const noSuchPlace: Meaning = {
  kind: 'invalid',
  advice: 'a name cannot be a file and a folder at once',
};
const refusedByDevice: Meaning = {
  kind: 'failed',
  advice: 'check the disk; do not go on with this file',
};

const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: outOfSpace,
  EDQUOT: outOfSpace,
  EFBIG: { kind: 'full', advice: 'raise the largest file size (ulimit -f)' },
  EMFILE: outOfDescriptors,
  ENFILE: outOfDescriptors,
  EACCES: notAllowed,
  EPERM: notAllowed,
  EROFS: notAllowed,
  EISDIR: noSuchPlace,
  ENOTDIR: noSuchPlace,
  EEXIST: noSuchPlace,
  ENOTEMPTY: noSuchPlace,
  ENAMETOOLONG: { kind: 'invalid', advice: 'use a shorter data folder or name' },
};

/** `what` says what was tried: "append to a/0.log". A VolumeError passes as it is. */
export function volumeError(error: unknown, what: string, file?: string): VolumeError {
  if (error instanceof VolumeError) return error;
  const cause = error as SystemError;
  const { kind, advice } = meanings[cause.code ?? ''] ?? refusedByDevice;
  return new VolumeError(
    kind,
    `${what}: ${cause.code ?? String(error)}; ${advice}`,
    file === undefined ? { cause } : { file, cause },
  );
}

export function poisonedError(file: string, cause: unknown): VolumeError {
  return new VolumeError(
    'failed',
    `${file}: a sync has failed, what was written since the last good one may be lost; give this file up`,
    { file, cause },
  );
}
