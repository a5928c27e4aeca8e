import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { StartingPoint } from '@odradek/client';
import { integer, positive } from '../arguments.ts';
import { withConnectOptions } from '../connect-options.ts';
import type { ConnectOptions } from '../connect-options.ts';
import type { Action } from '../run.ts';
import type { World } from '../world.ts';

export interface TailOptions extends ConnectOptions {
  readonly offset: StartingPoint;
  readonly partition?: readonly number[];
  readonly exit?: boolean;
  readonly number?: number;
  readonly keySeparator?: string;
  readonly json?: boolean;
}

const LAST_RECORDS = 10;

export function addTailCommand(program: Command, world: World, action: Action): void {
  withConnectOptions(program.command('tail <topic>'), world)
    .description('print records, then follow what comes')
    .addOption(
      new Option(
        '-o, --offset <place>',
        'beginning, end, N, -N (the last N of each partition), or a time such as 2026-01-31T12:00Z',
      )
        .argParser(startingPoint)
        .default({ offset: -LAST_RECORDS }, `-${LAST_RECORDS}`),
    )
    .option('-p, --partition <n>', 'only this one; may be given several times', collectPartition)
    .option('-e, --exit', 'stop at the end instead of following')
    .option('-n, --number <n>', 'stop after so many records', positive)
    .option('-k, --key-separator <text>', 'print the key and this before each value')
    .option('--json', 'one object a record, with offset, time, key and headers')
    .action((topic: string, options: TailOptions) =>
      action(async () => (await import('../tail.ts')).tail(world, topic, options)),
    );
}

const collectPartition = (text: string, before: readonly number[] = []): readonly number[] => [
  ...before,
  integer(text),
];

export function startingPoint(text: string): StartingPoint {
  if (text === 'beginning' || text === 'earliest') return { at: 'earliest' };
  if (text === 'end' || text === 'latest') return { at: 'latest' };
  if (/^-?\d{1,15}$/.test(text)) return { offset: Number(text) };
  const timestampMs = Date.parse(text);
  if (Number.isNaN(timestampMs))
    throw new InvalidArgumentError('It is neither beginning, end, a number nor a time.');
  return { timestampMs };
}
