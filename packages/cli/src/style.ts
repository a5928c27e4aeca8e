/** Colours for people: only on a terminal, and not when NO_COLOR (https://no-color.org), --no-color or TERM=dumb say so. */
import pc from 'picocolors';
import type { Output, World } from './world.ts';

export type Style = ReturnType<typeof pc.createColors>;

export function styleFor({ environment }: World, output: Output): Style {
  const { NO_COLOR, TERM } = environment;
  return pc.createColors(output.isTerminal && !NO_COLOR && TERM !== 'dumb');
}
