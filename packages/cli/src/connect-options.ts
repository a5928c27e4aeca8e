/** Options of every command that talks to a broker. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { positive } from './arguments.ts';
import type { World } from './world.ts';

export interface ConnectOptions {
  readonly brokers: string;
  readonly timeout: number;
}

export const PORT_DEFAULT = 9092;
const TIMEOUT_SECONDS = 30;
export const withConnectOptions = (command: Command, world: World): Command =>
  command
    .addOption(
      new Option(
        '-b, --brokers <host:port,...>',
        'brokers to begin with (ODRADEK_BROKERS)',
      ).default(world.environment['ODRADEK_BROKERS'] ?? `127.0.0.1:${PORT_DEFAULT}`),
    )
    .option(
      '--timeout <seconds>',
      'how long one thing may take, retries included',
      positive,
      TIMEOUT_SECONDS,
    );
