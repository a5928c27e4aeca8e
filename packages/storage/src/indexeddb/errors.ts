/** What IndexedDB's refusals mean to the user of a volume. */
import { VolumeError, type VolumeErrorKind } from '@odradek/ports';

interface Meaning {
  readonly kind: VolumeErrorKind;
  readonly advice: string;
}

const noRoom: Meaning = {
  kind: 'full',
  advice: 'no quota is left: shorten the retention, or ask the user for persistent storage',
};
const brokenStore: Meaning = {
  kind: 'failed',
  advice:
    'the browser cannot use its own files: restart it; if that does not help, this origin’s data must be cleared and copied anew from others',
};

const meanings: Readonly<Record<string, Meaning>> = {
  QuotaExceededError: noRoom,
  UnknownError: brokenStore,
  NotReadableError: brokenStore,
  VersionError: {
    kind: 'failed',
    advice: 'a newer version of this program wrote it: load the page anew',
  },
  SecurityError: { kind: 'failed', advice: 'storage is switched off for this page' },
  NotAllowedError: { kind: 'failed', advice: 'storage is switched off for this page' },
  InvalidStateError: {
    kind: 'failed',
    advice: 'the browser refuses it in this mode (a private window?), or has closed it',
  },
};

const unknown: Meaning = { kind: 'failed', advice: 'open the volume anew, or give this file up' };

/** `what` says what was tried: "append to topic-0/0.log". A VolumeError passes as it is. */
export function volumeError(error: unknown, what: string, file?: string): VolumeError {
  if (error instanceof VolumeError) return error;
  const name = error instanceof Error ? error.name : '';
  const { kind, advice } = meanings[name] ?? unknown;
  return new VolumeError(kind, `${what}: ${String(error)}; ${advice}`, {
    cause: error,
    ...(file !== undefined && { file }),
  });
}
