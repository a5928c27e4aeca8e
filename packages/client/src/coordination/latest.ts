/**
 * What changes, as something to iterate over. `latest` gives the newest that there is when it is asked: who is slow misses what was
 * so in between. `inOrder` gives everything, up to so many.
 */
import type { AbortSignalLike } from '@odradek/ports';

export interface Source<T> {
  next(value: T): void;
  fail(error: Error): void;
}

/** Begins when it is iterated, ends when the loop is left. Ends quietly at the signal. */
export async function* iterate<T>(
  begin: (source: Source<T>) => () => void,
  join: (waiting: readonly T[], value: T) => readonly T[],
  signal?: AbortSignalLike,
): AsyncGenerator<T, void, undefined> {
  let waiting: readonly T[] = [];
  let failure: Error | undefined;
  let wake: () => void = () => {};
  const end = begin({
    next(value) {
      waiting = join(waiting, value);
      wake();
    },
    fail(error) {
      failure = error;
      wake();
    },
  });
  const abort = (): void => wake();
  signal?.addEventListener('abort', abort);
  try {
    while (signal?.aborted !== true) {
      const [value, ...rest] = waiting;
      if (waiting.length > 0) {
        waiting = rest;
        yield value as T;
      } else if (failure !== undefined) throw failure;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    end();
  }
}

export const latest = <T>(_waiting: readonly T[], value: T): readonly T[] => [value];

/** Looks at once and after each change, one look after the other. What fails ends it. */
export function looking<T>(
  look: () => Promise<T>,
  watch: (changed: () => void, failed: (error: Error) => void) => () => void,
  { next, fail }: Source<T>,
): () => void {
  let isOver = false;
  let isLooking = false;
  let isAsked = false;
  const again = async (): Promise<void> => {
    isAsked = true;
    if (isLooking) return;
    isLooking = true;
    try {
      while (isAsked && !isOver) {
        isAsked = false;
        const found = await look();
        if (!isOver) next(found);
      }
    } catch (error) {
      if (!isOver) fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      isLooking = false;
    }
  };
  const unwatch = watch(() => void again(), fail);
  void again();
  return () => {
    isOver = true;
    unwatch();
  };
}
