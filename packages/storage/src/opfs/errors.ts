/** What the refusals of the origin private file system mean to the user of a volume. */
import { VolumeError, type VolumeErrorKind } from '@odradek/ports';

interface Meaning {
  readonly kind: VolumeErrorKind;
  readonly advice: string;
}

const gone: Meaning = {
  kind: 'closed',
  advice:
    'its storage was cleared by the user or the browser: open the volume anew, and copy from others what is missing',
};
const switchedOff: Meaning = {
  kind: 'failed',
  advice: 'storage is switched off for this page (a private window, or a policy)',
};

const meanings: Readonly<Record<string, Meaning>> = {
  QuotaExceededError: {
    kind: 'full',
    advice: 'no quota is left: shorten the retention, or ask the user for persistent storage',
  },
  NoModificationAllowedError: {
    kind: 'locked',
    advice: 'another worker has it open and may hang: end that one',
  },
  NotFoundError: gone,
  InvalidStateError: gone,
  SecurityError: switchedOff,
  NotAllowedError: switchedOff,
};

const unknown: Meaning = {
  kind: 'failed',
  advice: 'the browser cannot use its own files; do not go on with this one',
};

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

export function poisonedError(file: string, cause: unknown): VolumeError {
  return new VolumeError(
    'failed',
    `${file}: a sync has failed, what was written since the last good one may be lost; give this file up`,
    { file, cause },
  );
}
