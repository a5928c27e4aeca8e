import type { Command } from 'commander';
import { oneOf, positive } from '../arguments.ts';
import { withConnectOptions, withJsonOption } from '../connect-options.ts';
import type { ConnectOptions, PrintOptions } from '../connect-options.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';
import { ACKS, CODECS } from './produce.ts';

export interface BenchOptions extends ConnectOptions, PrintOptions {
  readonly records?: number;
  readonly size: number;
  readonly clients: number;
  readonly partitions: number;
  readonly compression?: (typeof CODECS)[number];
  readonly acks?: (typeof ACKS)[number];
  readonly batch: number;
  readonly keep?: boolean;
}

const HELP = `
Without a topic one is made for the run and deleted afterwards (--keep keeps it). All clients share this process and its one
thread: several of them show how the broker shares itself out, not how much it could take from several machines.
`;

export function addBenchCommands(program: Command, world: World, action: Action): void {
  const bench = program.command('bench').description('measure throughput and latency');
  const add = (name: string): Command =>
    withJsonOption(withConnectOptions(bench.command(`${name} [topic]`)))
      .option('-n, --records <n>', 'how many in all', positive)
      .option('-s, --size <bytes>', 'bytes of a value', positive, 1024)
      .option('-z, --compression <codec>', `${CODECS.join(', ')} (default: none)`, oneOf(CODECS))
      .option(
        '-a, --acks <acks>',
        `who must have it: ${ACKS.join(', ')} (default: all)`,
        oneOf(ACKS),
      )
      .option('--partitions <n>', 'of the topic that is made', positive, 1)
      .option('--keep', 'do not delete the topic that is made')
      .addHelpText('after', HELP);
  const withClients = (command: Command): Command =>
    command
      .option('-c, --clients <n>', 'clients that share the work', positive, 1)
      .option('--batch <n>', 'records that are sent in one go', positive, 100);

  withClients(add('produce'))
    .description('send records as fast as they are acknowledged (default: 100000)')
    .action((topic: string | undefined, options: BenchOptions) =>
      action(async () => (await import('../bench-produce.ts')).benchProduce(world, topic, options)),
    );
  withClients(add('consume'))
    .description('read records as fast as they come; fills the topic first if it is made')
    .action((topic: string | undefined, options: BenchOptions) =>
      action(async () => (await import('../bench-consume.ts')).benchConsume(world, topic, options)),
    );
  add('latency')
    .description(
      'from send to acknowledgement and to a waiting consumer, one by one (default: 1000)',
    )
    .action((topic: string | undefined, options: BenchOptions) =>
      action(async () => (await import('../bench-latency.ts')).benchLatency(world, topic, options)),
    );
}
