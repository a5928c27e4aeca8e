/** Looks at the cluster again and again and tells what changed in between: over itself on a terminal, line by line elsewhere. */
import type { Clock } from '@odradek/ports';
import type { TopOptions } from './commands/top.ts';
import { withCluster } from './connect.ts';
import { interruptible } from './interruption.ts';
import { styleFor } from './style.ts';
import { writeJson } from './table.ts';
import { linesOfRates, screenOfRates } from './top-screen.ts';
import { ratesBetween } from './top-rates.ts';
import { takeSample } from './top-sample.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

export const top = (world: World, options: TopOptions): Promise<number> =>
  withCluster(world, options, (cluster) =>
    interruptible(
      world,
      async (signal) => {
        const { clock } = cluster.host;
        const screen = new Screen(world);
        const style = styleFor(world, world.stdout);
        let before = await takeSample(world, cluster, options.metrics);
        for (let look = 0; look < (options.number ?? Number.POSITIVE_INFINITY); look += 1) {
          await pause(clock, options.interval * 1000, signal);
          if (signal.aborted) break;
          const now = await takeSample(world, cluster, options.metrics);
          const rates = ratesBetween(before, now);
          before = now;
          const time = new Date(clock.wallTimeMs()).toISOString();
          if (options.json) await writeJson(world, [{ time, ...rates }]);
          else if (world.stdout.isTerminal) await screen.show(screenOfRates(rates, time, style));
          else await world.stdout.write(linesOfRates(rates, time));
        }
        return EXIT_OK;
      },
      { isItsEnd: options.number === undefined },
    ),
  );

/** A line that is too long is cut by the terminal: a wrapped one would be two, and the next look begin at the wrong place. */
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';

/** Writes over what it wrote before; more than fits is cut, since a terminal cannot go back above its first line. */
class Screen {
  readonly #world: World;
  #height = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async show(text: string): Promise<void> {
    const { stdout } = this.#world;
    const lines = text
      .trimEnd()
      .split('\n')
      .slice(0, (stdout.rows ?? 24) - 1);
    const up = this.#height === 0 ? '' : `\u001b[${this.#height}A\r\u001b[J`;
    this.#height = lines.length;
    await stdout.write(`${up}${NO_WRAP}${lines.join('\n')}\n${WRAP}`);
  }
}

const pause = (clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimeout(end, delayMs);
    signal.addEventListener('abort', end);
  });
