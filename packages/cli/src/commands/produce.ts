import { Option } from 'commander';
import type { Command } from 'commander';
import { collect, integer, oneOf } from '../arguments.ts';
import { withConnectOptions } from '../connect-options.ts';
import type { ConnectOptions } from '../connect-options.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

export interface ProduceOptions extends ConnectOptions {
  readonly format?: (typeof FORMATS)[number];
  readonly keySeparator?: string;
  readonly key?: string;
  readonly header?: readonly string[];
  readonly partition?: number;
  readonly compression?: (typeof CODECS)[number];
  readonly acks?: (typeof ACKS)[number];
  readonly nullValues?: boolean;
  readonly tombstone?: boolean;
  readonly create: boolean;
  readonly json?: boolean;
}

export const CODECS = ['gzip', 'snappy', 'lz4', 'zstd', 'none'] as const;
export const ACKS = ['all', '1', '0'] as const;
const FORMATS = ['text', 'json', 'ndjson'] as const;

const HELP = `
JSON is an object a line, as \`odradek tail --json\` prints it: {"key": "a", "value": {"any": "JSON"}, "headers": {"name":
"text"}, "timestamp": 1700000000000}; bytes stand in keyBase64, valueBase64; "value": null is a tombstone.

Examples:
  echo hello | odradek produce greetings
  odradek produce users -k : < users.txt                 lines of key:value
  odradek produce users --key 42 --tombstone             user 42 is gone from a compacted topic
  odradek tail orders -o earliest -e --json | odradek produce copy --format json
`;

export function addProduceCommand(program: Command, world: World, action: Action): void {
  withConnectOptions(program.command('produce <topic>'))
    .description('send each line of stdin as a record')
    .addOption(
      new Option('--format <format>', 'text (lines), or json (default: text)').argParser(
        oneOf(FORMATS),
      ),
    )
    .option('-k, --key-separator <text>', 'what stands before it in a line is the key')
    .option('--key <text>', 'one key for all records')
    .option(
      '-H, --header <name=value>',
      'a header for all records; several times for several',
      collect,
    )
    .option('-p, --partition <n>', "the partition (default: the key's, or in turn)", integer)
    .option('-z, --compression <codec>', `${CODECS.join(', ')} (default: none)`, oneOf(CODECS))
    .option('-a, --acks <acks>', `who must have it: ${ACKS.join(', ')} (default: all)`, oneOf(ACKS))
    .option('-Z, --null-values', 'an empty value is null: a tombstone in a compacted topic')
    .option('--tombstone', 'send one record without value for --key; stdin is not read')
    .option('--no-create', 'fail when the topic does not exist')
    .option('--json', 'tell where the records went, one object a batch')
    .addHelpText('after', HELP)
    .action((topic: string, options: ProduceOptions) =>
      action(async () => (await import('../produce.ts')).produce(world, topic, options)),
    );
}
