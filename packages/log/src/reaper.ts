/**
 * Files of segments that have left the log, removed file.delete.delay.ms later (Kafka's grace for whoever copies them). Nobody
 * can reach them meanwhile; after a crash they are found again, below the log's start, and go with the next retention.
 */
import type { Clock, TimerHandle } from '@odradek/ports';
import type { LogContents, LogState } from './log-state.ts';
import { segmentFile } from './names.ts';
import type { Serial } from './serial.ts';
import type { Segment } from './segment.ts';

const TIMER_MS_MAX = 2_147_483_647;

interface Doomed {
  readonly segment: Segment;
  readonly dueMs: number;
}

export class Reaper {
  readonly #clock: Clock;
  readonly #background: Serial;
  /** In the order of their due times, unless the delay was changed. */
  #doomed: Doomed[] = [];
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, background: Serial) {
    this.#clock = clock;
    this.#background = background;
  }

  doom(log: LogState, segments: readonly Segment[]): void {
    const dueMs = this.#clock.monotonicMs() + log.config.fileDeleteDelayMs;
    for (const segment of segments) this.#doomed.push({ segment, dueMs });
    this.#wait(log);
  }

  /** All of them now. */
  async finish(log: LogState): Promise<void> {
    this.#stop();
    const doomed = this.#doomed;
    this.#doomed = [];
    for (const { segment } of doomed) await remove(log, segment);
  }

  /** Leaves them to the next open. */
  async abandon(): Promise<void> {
    this.#stop();
    for (const { segment } of this.#doomed.splice(0)) await segment.file.retire().catch(() => {});
  }

  #stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(log: LogState): void {
    const first = this.#doomed[0];
    if (first === undefined || this.#timer !== undefined) return;
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, first.dueMs - this.#clock.monotonicMs()));
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#background.start(() => this.#removeDue(log));
    }, delayMs);
  }

  async #removeDue(log: LogState): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    while (this.#doomed[0] !== undefined && this.#doomed[0].dueMs <= nowMs)
      await remove(log, this.#doomed.shift()!.segment);
    this.#wait(log);
  }
}

/** A reader that is between two reads of it begins anew. */
function remove(log: LogState, segment: Segment): Promise<void> {
  log.generation++;
  return removeSegment(log, segment);
}

/** Waits for its readers. */
export async function removeSegment(
  { ports, folder }: LogContents,
  segment: Segment,
): Promise<void> {
  await segment.file.remove();
  for (const suffix of ['.index', '.timeindex', '.txnindex', '.snapshot'] as const)
    await ports.volume.remove(segmentFile(folder, segment.baseOffset, suffix));
}
