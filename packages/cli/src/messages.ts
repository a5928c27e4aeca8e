/** What is said beside the data, on stderr. */
import { styleFor } from './style.ts';
import { UsageError } from './world.ts';
import type { World } from './world.ts';

export const say = (world: World, text: string): Promise<void> => world.stderr.write(`${text}\n`);

/** What to type next; for a person who looks on. */
export async function suggest(world: World, ...commands: readonly string[]): Promise<void> {
  if (!world.stderr.isTerminal || !world.stdout.isTerminal) return;
  const { dim } = styleFor(world, world.stderr);
  for (const command of commands) await say(world, dim(`next: ${command}`));
}

/** A person must write the name of what is about to go; a script that is not asked has decided already. */
export async function confirmByName(
  world: World,
  name: string,
  what: string,
  isConfirmed: boolean,
): Promise<void> {
  if (isConfirmed || !world.stdin.isTerminal || !world.stderr.isTerminal) return;
  await world.stderr.write(`${what}\nwrite ${name} to go on: `);
  const answer = await firstLine(world);
  if (answer !== name) throw new UsageError(`not confirmed: ${name} stays (--yes asks nothing)`);
}

async function firstLine({ stdin }: World): Promise<string> {
  let text = '';
  for await (const chunk of stdin) {
    text += Buffer.from(chunk).toString();
    if (text.includes('\n')) break;
  }
  return (text.split('\n')[0] ?? '').trim();
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** "1.5 MB"; decimal, as networks and disks are told. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${Math.round(value)} B` : `${value.toFixed(1)} ${units[unit]}`;
}
