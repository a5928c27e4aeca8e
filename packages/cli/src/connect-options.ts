/** Options of every command that talks to a broker. */
import type { Command } from 'commander';
import { positive } from './arguments.ts';
import { BROKERS_DEFAULT, TIMEOUT_SECONDS_DEFAULT } from './settings.ts';

export type { ConnectOptions } from './settings.ts';

export interface PrintOptions {
  readonly json?: boolean;
}

export const withConnectOptions = (command: Command): Command =>
  command
    .option(
      '-b, --brokers <address,...>',
      `brokers to begin with: host:port, or ws://host:port/kafka (default: ODRADEK_BROKERS, or ${BROKERS_DEFAULT})`,
    )
    .option(
      '--timeout <seconds>',
      `how long one thing may take, retries included (default: ODRADEK_TIMEOUT, or ${TIMEOUT_SECONDS_DEFAULT})`,
      positive,
    );

export const withJsonOption = (command: Command): Command =>
  command.option('--json', 'for programs: one object a line');
