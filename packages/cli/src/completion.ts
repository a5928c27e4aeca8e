/**
 * Completion in shells, by @bomb.sh/tab: `completion SHELL` prints the script, and the script calls `odradek complete -- WORDS` for what may
 * follow. Commands and options are commander's own; topics and groups are asked of the broker, which has half a second: a prompt must not
 * hang. What goes wrong on the way completes nothing and says nothing.
 */
import createTab from '@bomb.sh/tab/commander';
import { Admin } from '@odradek/client';
import type { Command } from 'commander';
import { withCluster } from './connect.ts';
import { createProgram } from './program.ts';
import { EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
const ASK_TIMEOUT_MS = 500;

type Tab = ReturnType<typeof createTab>;

export async function script(world: World, shell: string): Promise<number> {
  const known = SHELLS.find((each) => each === shell);
  if (known === undefined) throw new UsageError(`${shell} is none of ${SHELLS.join(', ')}`);
  createTab(describeProgram(world)).setup('odradek', 'odradek', known);
  return flushed(world);
}

/** The words so far, the last one unfinished. */
export async function complete(world: World, args: readonly string[]): Promise<number> {
  const words = args[0] === '--' ? args.slice(1) : [...args];
  const names = await askNames(world, words);
  const program = describeProgram(world);
  const tab = createTab(program);
  offerNames(tab, names);
  tab.parse([...words]);
  return flushed(world);
}

const describeProgram = (world: World): Command =>
  createProgram({
    world,
    action: () => Promise.resolve(),
    output: { writeOut: () => {}, writeErr: () => {} },
  });

interface Names {
  readonly topics: readonly string[];
  readonly groups: readonly string[];
}

/** Arguments and options by the names that commander has for them. */
function offerNames(tab: Tab, { topics, groups }: Names): void {
  const offer =
    (names: readonly string[]) =>
    (complete: (value: string, description: string) => void): void => {
      for (const name of names) complete(name, '');
    };
  for (const [name, command] of tab.commands) {
    for (const [argument, { variadic }] of command.arguments) {
      const offered = argument === 'topic' ? topics : argument === 'group' ? groups : undefined;
      if (offered !== undefined) command.argument(argument, offer(offered), variadic);
    }
    for (const option of command.options.values()) {
      if (option.value === 'topic') option.handler = offer(topics);
      if (option.value === 'group') option.handler = offer(groups);
    }
    if (name === 'completion') command.argument('shell', offer(SHELLS));
  }
}

const NOTHING: Names = { topics: [], groups: [] };

/** Only for commands that take names, and only as long as a person at a prompt waits. */
async function askNames(world: World, words: readonly string[]): Promise<Names> {
  const [first = ''] = words;
  if (words.length < 2 || ['up', 'doctor', 'completion', 'cluster', 'top'].includes(first))
    return NOTHING;
  const brokers = brokersIn(words);
  const asked = withCluster(
    world,
    { timeout: ASK_TIMEOUT_MS / 1000, ...(brokers !== undefined && { brokers }) },
    async (cluster): Promise<Names> => {
      const admin = new Admin(cluster);
      const wantsGroups = first === 'group' || words.includes('-g') || words.includes('--group');
      const [topics, groups] = await Promise.all([
        admin.listTopics(),
        wantsGroups ? admin.listGroups() : [],
      ]);
      return {
        topics: topics.filter(({ isInternal }) => !isInternal).map(({ name }) => name ?? ''),
        groups: groups.map(({ groupId }) => groupId),
      };
    },
  ).catch(() => NOTHING);
  return Promise.race([asked, later()]);
}

const later = (): Promise<Names> =>
  new Promise((resolve) => setTimeout(() => resolve(NOTHING), ASK_TIMEOUT_MS).unref());

function brokersIn(words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => word === '-b' || word === '--brokers');
  const joined = words.find((word) => word.startsWith('--brokers='));
  return joined?.slice('--brokers='.length) ?? (at < 0 ? undefined : words[at + 1]);
}

/** tab writes by console.log: what is written after it is written behind it. */
async function flushed(world: World): Promise<number> {
  await world.stdout.write('');
  return EXIT_OK;
}
