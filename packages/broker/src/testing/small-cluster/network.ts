/** Messages between brokers: late, lost, doubled, out of order, and cut off one way or both. */
import type { Random } from '@odradek/ports';
import type { SimClock } from './sim-clock.ts';

/** The controller's place in it. */
export const CONTROLLER = 0;

export interface Weather {
  /** Of 1000 messages. */
  lost: number;
  doubled: number;
  /** Those between brokers that come when nobody waits for them any more. */
  late: number;
  delayMsMax: number;
}

const LATE_MS_MAX = 5_000;
const ANSWER_TIMEOUT_MS = 300;

export class Network {
  readonly weather: Weather = { lost: 0, doubled: 0, late: 0, delayMsMax: 5 };
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #cut = new Set<string>();

  constructor(clock: SimClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** One way. */
  cut(from: number, to: number): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
    Object.assign(this.weather, { lost: 0, doubled: 0, late: 0, delayMsMax: 5 });
  }

  send(from: number, to: number, deliver: () => void): void {
    const { lost, doubled, late, delayMsMax } = this.weather;
    const copies = this.#random.uint32() % 1000 < doubled ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.uint32() % 1000 < lost) continue;
      const isLate =
        from !== CONTROLLER && to !== CONTROLLER && this.#random.uint32() % 1000 < late;
      const delayMs = 1 + (this.#random.uint32() % (isLate ? LATE_MS_MAX : delayMsMax));
      this.#clock.setTimeout(() => {
        if (!this.#cut.has(`${from}>${to}`)) deliver();
      }, delayMs);
    }
  }

  /** A request and its answer; rejects when none comes in time. `serve` may give nothing at all. */
  ask<T>(from: number, to: number, serve: () => Promise<T> | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(
        () => reject(new Error(`no answer from ${to}`)),
        ANSWER_TIMEOUT_MS,
      );
      this.send(from, to, () => {
        void serve()?.then(
          (answer) =>
            this.send(to, from, () => {
              this.#clock.clearTimeout(timer);
              resolve(answer);
            }),
          () => {},
        );
      });
    });
  }
}
