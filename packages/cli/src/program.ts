/** The command's whole vocabulary, as commander knows it: each command is described in a file of commands/, and done in code that is loaded when it is asked for. */
import { Command } from 'commander';
import type { OutputConfiguration } from 'commander';
import { addBenchCommands } from './commands/bench.ts';
import { addClusterCommand } from './commands/cluster.ts';
import { addCompletionCommands } from './commands/completion.ts';
import { addConfigCommands } from './commands/config.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addGroupCommands } from './commands/group.ts';
import { addProduceCommand } from './commands/produce.ts';
import { addTailCommand } from './commands/tail.ts';
import { addTopCommand } from './commands/top.ts';
import { addTopicCommands } from './commands/topic.ts';
import { addTreeCommands } from './commands/tree.ts';
import { addUpCommand } from './commands/up.ts';
import type { World } from './world.ts';

/** Runs a command's work and keeps its exit code. */
export type Action = (work: () => Promise<number>) => Promise<void>;

type Add = (program: Command, world: World, action: Action) => void;

const HELP = `
Examples:
  odradek up                                  a broker on 127.0.0.1:9092, data in ./.odradek
  odradek up --memory --port 0                one that keeps nothing, on a free port
  odradek up --brokers 3                      three of them, each a process of its own
  odradek topic create orders -p 3
  echo hello | odradek produce orders
  odradek tail orders                         the last records, then whatever comes
  odradek orders                              the same; in a pipe's end it produces, as kcat does

Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 not understood, 130 interrupted by Ctrl-C
(143 by SIGTERM). What runs until it is stopped (up, top, a tail that follows) ends with 0.
`;

export interface ProgramOptions {
  readonly world: World;
  readonly action: Action;
  /** Where commander itself writes: help, and what it does not understand. */
  readonly output: OutputConfiguration;
  /** Describing all commands takes a tenth of a broker's start: whoever knows which one is asked for names it. */
  readonly only?: string | undefined;
}

export function createProgram({ world, action, output, only = '' }: ProgramOptions): Command {
  const program = new Command('odradek')
    .configureOutput(output)
    .description("An event broker that speaks Apache Kafka's protocol")
    .version(world.version, '-V, --version')
    .option('--no-color', 'no colours (also: NO_COLOR)')
    .showSuggestionAfterError()
    .showHelpAfterError('(odradek --help lists commands and options)')
    .addHelpText('after', HELP)
    .exitOverride();
  const one = COMMANDS.get(only);
  for (const add of one === undefined ? COMMANDS.values() : [one]) add(program, world, action);
  return program;
}

export const isCommand = (name: string): boolean => COMMANDS.has(name) || name === 'help';

const COMMANDS: ReadonlyMap<string, Add> = new Map<string, Add>([
  ['up', addUpCommand],
  ['topic', addTopicCommands],
  ['produce', addProduceCommand],
  ['tail', addTailCommand],
  ['group', addGroupCommands],
  ['cluster', addClusterCommand],
  ['config', addConfigCommands],
  ['tree', addTreeCommands],
  ['bench', addBenchCommands],
  ['top', addTopCommand],
  ['doctor', addDoctorCommand],
  ['completion', addCompletionCommands],
]);
