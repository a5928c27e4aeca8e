/** Columns for people: as wide as their widest cell, two blanks between; nothing is drawn, so that `grep` and `awk` read them too. */
import Table from 'cli-table3';
import { say } from './messages.ts';
import { styleFor } from './style.ts';
import type { World } from './world.ts';

const NO_LINES = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left']
    .concat(['bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((name) => [name, '']),
);

export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  decorate: (heading: string) => string = (heading) => heading,
): string {
  const table = new Table({
    head: headings.map(decorate),
    chars: { ...NO_LINES, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => row.map((cell) => oneLine(String(cell)))));
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

export const writeTable = (
  world: World,
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): Promise<void> =>
  world.stdout.write(formatTable(headings, rows, styleFor(world, world.stdout).bold));

/** One object a line for programs, a table for people, and a word to them when there is nothing to show. */
export async function writeRows<Row>(
  world: World,
  rows: readonly Row[],
  {
    json,
    none,
    columns,
  }: {
    readonly json: boolean | undefined;
    readonly none: string;
    /** What stands under each heading. */
    readonly columns: Readonly<Record<string, (row: Row) => string | number>>;
  },
): Promise<void> {
  if (json) await writeJson(world, rows);
  else if (rows.length === 0) await say(world, none);
  else
    await writeTable(
      world,
      Object.keys(columns),
      rows.map((row) => Object.values(columns).map((cell) => cell(row))),
    );
}

export const writeJson = (world: World, rows: readonly unknown[]): Promise<void> =>
  world.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

/** A name may hold anything; a row is a line. */
const oneLine = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f]/g, (character) => JSON.stringify(character).slice(1, -1));
