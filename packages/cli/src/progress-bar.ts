/** A bar on stderr for work whose size is known; where stderr is no terminal, a line every five seconds instead. */
import { SingleBar } from 'cli-progress';
import { Progress } from './progress.ts';
import { styleFor } from './style.ts';
import type { World } from './world.ts';

const BAR_WIDTH = 30;

export class ProgressBar {
  readonly #bar: SingleBar | undefined;
  readonly #lines: Progress;
  readonly #what: string;
  readonly #total: number;
  #value = 0;

  constructor(world: World, what: string, total: number) {
    this.#what = what;
    this.#total = total;
    this.#lines = new Progress(world);
    if (!world.stderr.isTerminal) return;
    const { cyan } = styleFor(world, world.stderr);
    this.#bar = new SingleBar({
      stream: streamOf(world),
      format: `${what} ${cyan('{bar}')} {percentage}% | {value}/{total} | {eta_formatted}`,
      barCompleteChar: '\u2588',
      barIncompleteChar: '\u2591',
      barsize: BAR_WIDTH,
      clearOnComplete: true,
      // A bar that is left by a signal must not leave a terminal without cursor.
      hideCursor: false,
    });
    this.#bar.start(total, 0);
  }

  add(count: number): void {
    this.#value += count;
    if (this.#bar === undefined)
      this.#lines.tell(() => `${this.#what}: ${this.#value} of ${this.#total}`);
    else this.#bar.update(this.#value);
  }

  end(): void {
    this.#bar?.stop();
  }
}

/** As much of a stream as cli-progress and node:readline use. */
const streamOf = ({ stderr }: World): NodeJS.WritableStream =>
  ({
    isTTY: true,
    columns: stderr.columns ?? 80,
    write: (text: string) => {
      stderr.write(text).catch(() => {});
      return true;
    },
  }) as unknown as NodeJS.WritableStream;
