/**
 * Ctrl-C while something is under way: the first one asks it to stop and to leave things in order, the second ends the process where it
 * stands. What runs until it is told to stop (a tail that follows) ends well by it; what was not done yet is interrupted.
 */
import { ClientClosed } from '@odradek/client';
import { EXIT_OK, Interrupted } from './world.ts';
import type { World } from './world.ts';

export async function interruptible(
  world: World,
  work: (signal: AbortSignal) => Promise<number>,
  { isItsEnd = false } = {},
): Promise<number> {
  const stop = new AbortController();
  let exitCode: number | undefined;
  const forget = world.onSignal((code) => {
    if (exitCode !== undefined) world.exit(code);
    exitCode = code;
    stop.abort();
  });
  const ended = (code: number): number => {
    if (isItsEnd) return EXIT_OK;
    throw new Interrupted(code);
  };
  try {
    const result = await work(stop.signal);
    return exitCode === undefined ? result : ended(exitCode);
  } catch (error) {
    if (exitCode !== undefined && error instanceof ClientClosed) return ended(exitCode);
    throw error;
  } finally {
    forget();
  }
}
