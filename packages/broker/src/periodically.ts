/** Runs a task again and again, never twice at once; the next run is timed from the end of the last. A failure is logged and tried again. */
import type { Clock, Logger, TimerHandle } from '@odradek/ports';

export interface Repetition {
  stop(): Promise<void>;
}

export const periodically = (
  name: string,
  intervalMs: () => number,
  clock: Clock,
  logger: Logger,
  task: () => Promise<void>,
): Repetition => {
  let timer: TimerHandle | undefined;
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  const arm = (): void => {
    if (isStopped) return;
    timer = clock.setTimeout(
      () => {
        running = task()
          .catch((error: unknown) =>
            logger.error(`${name} failed and will be tried again`, { error }),
          )
          .then(arm);
      },
      Math.min(Math.max(1, intervalMs()), TIMER_DELAY_MS_MAX),
    );
  };
  arm();
  return {
    stop() {
      isStopped = true;
      if (timer !== undefined) clock.clearTimeout(timer);
      return running;
    },
  };
};

/** Timers of all hosts hold 31 bits. */
const TIMER_DELAY_MS_MAX = 0x7fffffff;
