import { Option } from 'commander';
import type { Command } from 'commander';
import { collect, integer, positive } from '../arguments.ts';
import { withConnectOptions } from '../connect-options.ts';
import type { ConnectOptions } from '../connect-options.ts';
import { PLACES, place } from '../places.ts';
import type { Place } from '../places.ts';
import type { FilterOptions } from '../record-filter.ts';
import type { FormatOptions } from '../record-format.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

export interface TailOptions extends ConnectOptions, FilterOptions, FormatOptions {
  readonly from: Place;
  readonly isFromGiven: boolean;
  readonly until?: Place;
  readonly partition?: readonly number[];
  readonly exit?: boolean;
  readonly follow?: boolean;
  readonly number?: number;
  readonly group?: string;
}

const LAST_RECORDS = 10;
const HELP = `
Places: ${PLACES}.
Formats: text (values, a line each), ndjson (an object a line), json (one list), hex, or a text with %t topic
  %p partition %o offset %k key %v value %h headers %T milliseconds %D time %K %S lengths, \\n \\t \\xHH.

Examples:
  odradek tail orders                                   the last records, then whatever comes
  odradek tail orders --from '1h ago' --until latest --where 'total>=100' --format ndjson
  odradek tail orders -o earliest -e --format '%p@%o %k=%v\\n'
  odradek tail orders --group billing                    as a member: what is printed is committed
  odradek tail orders -e -o earliest --json | odradek produce copy --format json
`;

export function addTailCommand(program: Command, world: World, action: Action): void {
  withConnectOptions(program.command('tail <topic>'))
    .description('print records, then follow what comes')
    .option(
      '-o, --from <place>',
      `where to begin: ${PLACES} (default: -${LAST_RECORDS} of each partition)`,
      place,
    )
    .addOption(new Option('--offset <place>', 'as --from').argParser(place).hideHelp())
    .option('--until <place>', 'where to stop instead of following', place)
    .option('-e, --exit', 'stop at the end: --until latest')
    .option('-f, --follow', 'go on with what comes (the default without --until)')
    .option('-p, --partition <n>', 'only this one; may be given several times', collectPartition)
    .option(
      '-n, --number <n>',
      'stop after so many records; exit code 1 if there are none',
      positive,
    )
    .option('--key <text>', 'only records whose key holds the text, or matches /a pattern/')
    .option('--value <text>', 'only records whose value holds the text, or matches /a pattern/')
    .option('--header <name=value>', 'only records with the header (of that value)', collect)
    .option(
      '--where <condition>',
      'only records whose JSON value has path=value (also != > >= < <= ~), such as items[*].sku=x7',
      collect,
    )
    .option('--format <format>', 'text, json, ndjson, hex, or a text with % (default: text)')
    .option('-k, --key-separator <text>', 'print the key and this before each value')
    .option('--json', 'one object a record: --format ndjson')
    .option('-g, --group <name>', 'read as a member of a consumer group')
    .addHelpText('after', HELP)
    .action((topic: string, options: Omit<TailOptions, 'from'> & Given) =>
      action(async () => {
        const from = options.from ?? options.offset;
        return (await import('../tail.ts')).tail(world, topic, {
          ...options,
          from: from ?? { offset: -LAST_RECORDS },
          isFromGiven: from !== undefined,
        });
      }),
    );
}

interface Given {
  readonly from?: Place;
  readonly offset?: Place;
}

const collectPartition = (text: string, before: readonly number[] = []): readonly number[] => [
  ...before,
  integer(text),
];
