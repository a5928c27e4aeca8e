/**
 * A clock's timers over a host's own. Node and browsers count a delay in 31 bits and fire a longer one (more than 24 days; retention is often
 * longer) at once: it is walked there in steps.
 */
import type { Clock } from './clock.ts';

const STEP_MS_MAX = 2 ** 31 - 1;

interface LongTimer<Handle> {
  /** Of the step that is being waited for. */
  step: Handle;
}

export function longTimers<Handle>(
  setTimer: (callback: () => void, delayMs: number) => Handle,
  clearTimer: (handle: Handle) => void,
): Pick<Clock, 'setTimeout' | 'clearTimeout'> {
  const walk = (timer: LongTimer<Handle>, callback: () => void, delayMs: number): Handle =>
    delayMs <= STEP_MS_MAX
      ? setTimer(callback, delayMs)
      : setTimer(() => {
          timer.step = walk(timer, callback, delayMs - STEP_MS_MAX);
        }, STEP_MS_MAX);
  return {
    setTimeout(callback, delayMs) {
      const timer = {} as LongTimer<Handle>;
      timer.step = walk(timer, callback, delayMs);
      return timer;
    },
    clearTimeout: (timer) => clearTimer((timer as LongTimer<Handle>).step),
  };
}
