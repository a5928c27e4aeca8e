/** From arguments to an exit code: 0 done, 1 failed, 2 not understood. Data goes to stdout, everything else to stderr. */
import { Command, CommanderError } from 'commander';
import { addProduceCommand } from './commands/produce.ts';
import { addTailCommand } from './commands/tail.ts';
import { addTopicCommands } from './commands/topic.ts';
import { addUpCommand } from './commands/up.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE, OutputClosed, UsageError } from './world.ts';
import type { World } from './world.ts';

const EXAMPLES = `
Examples:
  odradek up                                  a broker on 127.0.0.1:9092, data in ./.odradek
  odradek up --memory --port 0                one that keeps nothing, on a free port
  odradek topic create orders -p 3
  echo hello | odradek produce orders
  odradek tail orders                         the last records, then whatever comes
`;

export async function run(args: readonly string[], world: World): Promise<number> {
  const writes: Promise<void>[] = [];
  const program = new Command('odradek')
    .description("An event broker that speaks Apache Kafka's protocol")
    .version(world.version, '-V, --version')
    .showSuggestionAfterError()
    .showHelpAfterError('(odradek --help lists commands and options)')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void writes.push(world.stdout.write(text)),
      writeErr: (text) => void writes.push(world.stderr.write(text)),
    });
  let exitCode = EXIT_OK;
  const action = async (work: () => Promise<number>): Promise<void> => {
    exitCode = await work();
  };
  for (const add of commandsFor(args)) add(program, world, action);
  try {
    await program.parseAsync(args, { from: 'user' });
    await Promise.all(writes);
    return exitCode;
  } catch (error) {
    await Promise.allSettled(writes);
    return explain(error, world);
  }
}

const COMMANDS: ReadonlyMap<string, (program: Command, world: World, action: Action) => void> =
  new Map([
    ['up', addUpCommand],
    ['topic', addTopicCommands],
    ['produce', addProduceCommand],
    ['tail', addTailCommand],
  ]);

/** The one that is asked for, since describing the others takes a tenth of a broker's start; all of them for help. */
const commandsFor = (args: readonly string[]) => {
  const asked = COMMANDS.get(args[0] ?? '');
  return asked === undefined ? [...COMMANDS.values()] : [asked];
};

/** Runs a command's work and keeps its exit code. */
export type Action = (work: () => Promise<number>) => Promise<void>;

async function explain(error: unknown, world: World): Promise<number> {
  if (error instanceof OutputClosed) return EXIT_OK;
  // Commander has written its message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  const message = error instanceof Error ? error.message : String(error);
  await world.stderr.write(`odradek: ${message}\n`).catch(() => {});
  if (error instanceof UsageError) return EXIT_USAGE;
  return isUsage(error) ? EXIT_USAGE : EXIT_FAILURE;
}

/** Errors of a configuration that was typed wrong, by name: their classes are in code that only `up` loads. */
const isUsage = (error: unknown): boolean =>
  error instanceof Error && ['BrokerConfigError', 'ConfigSourceError'].includes(error.name);
