/** From arguments to an exit code: 0 done, 1 failed, 2 not understood, a signal's own. Data goes to stdout, everything else to stderr. */
import { CommanderError } from 'commander';
import { createProgram, isCommand } from './program.ts';
import {
  EXIT_FAILURE,
  EXIT_OK,
  EXIT_USAGE,
  Interrupted,
  OutputClosed,
  UsageError,
} from './world.ts';
import type { World } from './world.ts';

/** What the shells' completion scripts call (completion.ts). */
const COMPLETE = 'complete';

export async function run(args: readonly string[], outside: World): Promise<number> {
  const world = withoutColor(args, outside);
  const [first = ''] = args;
  try {
    if (first === COMPLETE)
      return await (await import('./completion.ts')).complete(world, args.slice(1));
    return await runCommand(isTopic(first, world) ? [guess(world), ...args] : args, world);
  } catch (error) {
    return explain(error, world);
  }
}

async function runCommand(args: readonly string[], world: World): Promise<number> {
  const writes: Promise<void>[] = [];
  let exitCode = EXIT_OK;
  const program = createProgram({
    world,
    only: args[0],
    action: async (work) => {
      exitCode = await work();
    },
    output: {
      writeOut: (text) => void writes.push(world.stdout.write(text)),
      writeErr: (text) => void writes.push(world.stderr.write(text)),
    },
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    await Promise.all(writes);
    return exitCode;
  } catch (error) {
    await Promise.allSettled(writes);
    throw error;
  }
}

/** Without a command a topic is meant, as kcat has it: what comes through a pipe is produced, otherwise it is read. */
const guess = ({ stdin }: World): string => (stdin.isTerminal ? 'tail' : 'produce');

/** A word that is no command and does not look like a misspelt one. */
function isTopic(word: string, world: World): boolean {
  if (word === '' || word.startsWith('-') || isCommand(word)) return false;
  let complaint = '';
  const program = createProgram({
    world,
    action: () => Promise.resolve(),
    output: { writeOut: () => {}, writeErr: (text) => (complaint += text) },
  });
  try {
    program.parse([word], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
  }
  return !complaint.includes('Did you mean');
}

/** The flag is NO_COLOR by another name. */
function withoutColor(args: readonly string[], world: World): World {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  if (!own.includes('--no-color')) return world;
  return { ...world, environment: { ...world.environment, NO_COLOR: '1' } };
}

async function explain(error: unknown, world: World): Promise<number> {
  if (error instanceof OutputClosed) return EXIT_OK;
  if (error instanceof Interrupted) return error.exitCode;
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
