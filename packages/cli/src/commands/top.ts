import type { Command } from 'commander';
import { positive } from '../arguments.ts';
import { withConnectOptions, withJsonOption } from '../connect-options.ts';
import type { ConnectOptions, PrintOptions } from '../connect-options.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

export interface TopOptions extends ConnectOptions, PrintOptions {
  readonly interval: number;
  readonly number?: number;
  readonly metrics?: string;
}

export function addTopCommand(program: Command, world: World, action: Action): void {
  withJsonOption(withConnectOptions(program.command('top')))
    .description('watch the rates of topics, groups and brokers')
    .option('-i, --interval <seconds>', 'between two looks', positive, 2)
    .option('-n, --number <n>', 'stop after so many looks', positive)
    .option(
      '--metrics <url>',
      "a broker's /metrics (default: port 9094 of each broker's host, where there is one)",
    )
    .action((options: TopOptions) =>
      action(async () => (await import('../top.ts')).top(world, options)),
    );
}
