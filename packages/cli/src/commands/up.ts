import { Option } from 'commander';
import type { Command } from 'commander';
import { collect, integer, oneOf, port, positive } from '../arguments.ts';
import type { Action } from '../program.ts';
import { UsageError } from '../world.ts';
import type { World } from '../world.ts';

export interface UpOptions {
  readonly dataDir?: string;
  readonly host?: string;
  readonly port?: number;
  /** False for none. */
  readonly http: boolean;
  readonly httpPort?: number;
  readonly nodeId?: number;
  /** Several, each a process of its own. */
  readonly brokers?: number;
  /** Of --brokers: start one again that has died. */
  readonly restart?: boolean;
  readonly memory?: boolean;
  readonly config?: readonly string[];
  readonly set?: readonly string[];
  readonly logLevel?: (typeof LOG_LEVELS)[number];
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const HELP = `
Configuration is Kafka's, with Kafka's keys (docs/configuration.md). Later places win: files, the environment
(ODRADEK_LOG_RETENTION_MS is log.retention.ms), the flags above, --set. Ctrl-C stops cleanly; a second one at once.

With --brokers 3 the brokers are 1 to 3: Kafka on --port and the ports that follow, HTTP on --http-port and those that follow (default:
--port + 100), data in broker-1 to broker-3 of the folder. One that has died comes back with --node-id N and the same folder.
`;

export function addUpCommand(program: Command, world: World, action: Action): void {
  program
    .command('up')
    .description('start a broker')
    .option('-d, --data-dir <folder>', 'where the data is (default: ./.odradek; log.dirs)')
    .option('-p, --port <n>', "Kafka's port, 0 for a free one (default: 9092)", port)
    .option('--http-port <n>', 'port of HTTP and WebSocket, 0 for a free one (default: 9094)', port)
    .option('--no-http', 'neither HTTP nor WebSocket')
    .option('--host <address>', 'the interface to listen on, 0.0.0.0 for all (default: 127.0.0.1)')
    .option('--node-id <n>', "the broker's number in its cluster (default: 1; node.id)", integer)
    .option(
      '--brokers <n>',
      'a cluster for development: 3, 5, 7 or 9 brokers, each a process of its own',
      positive,
    )
    .option('--restart', 'with --brokers: start a broker again that has died')
    .option('-m, --memory', 'keep everything in memory: it is gone when the broker stops')
    .option('-c, --config <file>', "Kafka's .properties; may be given several times", collect)
    .option(
      '-s, --set <key=value>',
      'set one key of the configuration; may be given several times',
      collect,
    )
    .addOption(
      new Option('--log-level <level>', `${LOG_LEVELS.join(', ')} (default: info)`).argParser(
        oneOf(LOG_LEVELS),
      ),
    )
    .option('-q, --quiet', 'print only warnings and errors')
    .option('--json', 'tell where the broker is as one line of JSON')
    .addHelpText('after', HELP)
    .action((options: UpOptions) =>
      action(async () => {
        if (options.brokers !== undefined)
          return (await import('../up-cluster.ts')).upCluster(options, world);
        if (options.restart) throw new UsageError('--restart is for --brokers');
        const { up } = await import('../up.ts');
        return up(options, world);
      }),
    );
}
