/**
 * The brokers' logs in one stream, each line with its broker. For a person the lines of JSON become text behind a number; for programs
 * they stay JSON, with a field more. What is no line of the log (Node's own last words) gets the number in both.
 */
import { styleFor } from './style.ts';
import type { World } from './world.ts';

export async function labelFor(world: World, nodeId: number): Promise<(line: string) => string> {
  const { bold } = styleFor(world, world.stderr);
  const number = `${bold(String(nodeId))} | `;
  if (!world.stderr.isTerminal) {
    return (line) =>
      line.startsWith('{"') ? `{"broker":${nodeId},${line.slice(1)}\n` : `${number}${line}\n`;
  }
  // Loaded while the brokers start: it takes nothing from them.
  const { formatForPeople } = await import('@odradek/node');
  const colors = bold('x') !== 'x';
  return (line) => {
    const text = line.startsWith('{"') ? formatForPeople(line, colors) : `${line}\n`;
    return text.replace(/^(?=[\s\S])/gm, number);
  };
}
