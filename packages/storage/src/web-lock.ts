/**
 * One owner at a time for storage that all pages and workers of an origin see: a Web Lock. The browser lets go of it when its
 * holder's page or worker ends, in whatever way, so a dead owner keeps nobody out. It may be stolen from a holder that
 * hangs; a holder that learns of it must stop at once.
 */
import { VolumeError } from '@odradek/ports';

export interface WebLock {
  release(): void;
  /** Settles when it is no longer held, whyever. */
  readonly gone: Promise<'released' | 'stolen'>;
}

/** Another holder may just be ending: so long is waited for it. */
export const LOCK_WAIT_MS_DEFAULT = 2_000;

/** The part of LockManager that is used; other kinds of type library name it differently. */
interface Locks {
  request(
    name: string,
    options: { signal?: AbortSignal; steal?: boolean },
    callback: () => Promise<void>,
  ): Promise<unknown>;
}

export interface WebLockOptions {
  readonly waitMs?: number;
  /** At once, from whoever has it: the caller has made sure that he hangs. */
  readonly steal?: boolean;
}

/** VolumeError 'locked' when another keeps it for too long. */
export function takeWebLock(
  name: string,
  location: string,
  { waitMs = LOCK_WAIT_MS_DEFAULT, steal = false }: WebLockOptions = {},
): Promise<WebLock> {
  const { locks } = (globalThis as { navigator?: { locks?: Locks } }).navigator ?? {};
  if (locks === undefined) {
    return Promise.reject(
      new VolumeError(
        'failed',
        `${location}: this page has no Web Locks; they need a secure context (https, or localhost)`,
      ),
    );
  }
  return new Promise((resolve, reject) => {
    let release!: () => void;
    const held = new Promise<void>((done) => (release = done));
    let told!: (why: 'released' | 'stolen') => void;
    const gone = new Promise<'released' | 'stolen'>((done) => (told = done));
    const wait = new AbortController();
    const timer = setTimeout(() => wait.abort(), waitMs);
    let isHeld = false;
    locks
      .request(name, steal ? { steal } : { signal: wait.signal }, () => {
        clearTimeout(timer);
        isHeld = true;
        resolve({ release, gone });
        return held;
      })
      .then(
        () => told('released'),
        (cause: unknown) => {
          clearTimeout(timer);
          // Of a lock that was held, the one failure is that it was stolen.
          if (isHeld) return told('stolen');
          const { kind, text } = wait.signal.aborted
            ? ({
                kind: 'locked',
                text: 'another page or worker has it open: close that one',
              } as const)
            : ({ kind: 'failed', text: String(cause) } as const);
          reject(new VolumeError(kind, `${location}: ${text}`, { cause }));
        },
      );
  });
}
