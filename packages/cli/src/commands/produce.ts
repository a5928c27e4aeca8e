import type { Command } from 'commander';
import { integer, oneOf } from '../arguments.ts';
import { withConnectOptions } from '../connect-options.ts';
import type { ConnectOptions } from '../connect-options.ts';
import type { Action } from '../run.ts';
import type { World } from '../world.ts';

export interface ProduceOptions extends ConnectOptions {
  readonly keySeparator?: string;
  readonly key?: string;
  readonly partition?: number;
  readonly compression?: (typeof CODECS)[number];
  readonly nullValues?: boolean;
  readonly create: boolean;
  readonly json?: boolean;
}

const CODECS = ['gzip', 'snappy', 'lz4', 'zstd', 'none'] as const;

export function addProduceCommand(program: Command, world: World, action: Action): void {
  withConnectOptions(program.command('produce <topic>'), world)
    .description('send each line of stdin as a record')
    .option('-k, --key-separator <text>', 'what stands before it in a line is the key')
    .option('--key <text>', 'one key for all records')
    .option('-p, --partition <n>', "the partition (default: the key's, or in turn)", integer)
    .option('-z, --compression <codec>', `${CODECS.join(', ')} (default: none)`, oneOf(CODECS))
    .option('-Z, --null-values', 'an empty value is null: a tombstone in a compacted topic')
    .option('--no-create', 'fail when the topic does not exist')
    .option('--json', 'tell where the records went, one object a batch')
    .action((topic: string, options: ProduceOptions) =>
      action(async () => (await import('../produce.ts')).produce(world, topic, options)),
    );
}
