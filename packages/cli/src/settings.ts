/**
 * What the command itself is told, and where: a flag, else the environment, else the person's file, else the default. `odradek config
 * print --origin` shows the outcome. (A broker's configuration is another matter: docs/configuration.md.)
 */
import { UsageError } from './world.ts';
import type { World } from './world.ts';

export interface ConnectOptions {
  readonly brokers?: string;
  /** Seconds. */
  readonly timeout?: number;
}

export interface Setting {
  readonly name: 'brokers' | 'timeout';
  readonly value: string;
  /** "--brokers", "ODRADEK_BROKERS", a file and its line, "default". */
  readonly origin: string;
}

export const BROKERS_DEFAULT = '127.0.0.1:9092';
export const TIMEOUT_SECONDS_DEFAULT = 30;
const FILE = 'odradek/command.properties';

/** Variables that begin with ODRADEK_ and are no keys of a broker's configuration. */
export const OWN_VARIABLES = [
  'ODRADEK_BROKERS',
  'ODRADEK_TIMEOUT',
  'ODRADEK_COMMAND_CONFIG',
  'ODRADEK_CONFIG',
  'ODRADEK_DATA_DIR',
  'ODRADEK_LOG_LEVEL',
] as const;

export async function resolveSettings(
  world: World,
  options: ConnectOptions = {},
): Promise<Readonly<Record<Setting['name'], Setting>>> {
  const { environment } = world;
  const written = await readOwnFile(world);
  const choose = (
    name: Setting['name'],
    flag: string | undefined,
    variable: string,
    preset: string,
  ): Setting => {
    const fromVariable = environment[variable];
    if (flag !== undefined) return { name, value: flag, origin: `--${name}` };
    if (fromVariable !== undefined && fromVariable !== '')
      return { name, value: fromVariable, origin: variable };
    return written.get(name) ?? { name, value: preset, origin: 'default' };
  };
  return {
    brokers: choose('brokers', options.brokers, 'ODRADEK_BROKERS', BROKERS_DEFAULT),
    timeout: choose(
      'timeout',
      options.timeout === undefined ? undefined : String(options.timeout),
      'ODRADEK_TIMEOUT',
      String(TIMEOUT_SECONDS_DEFAULT),
    ),
  };
}

/** `key=value` lines; `#` begins a comment. A file that is named must be there. */
async function readOwnFile(world: World): Promise<ReadonlyMap<string, Setting>> {
  const path = ownFile(world);
  const found = new Map<string, Setting>();
  if (path === undefined) return found;
  const text = await world.readFile(path);
  if (text === undefined) {
    if (world.environment['ODRADEK_COMMAND_CONFIG'] === undefined) return found;
    throw new UsageError(`there is no file ${path} (ODRADEK_COMMAND_CONFIG)`);
  }
  for (const [index, line] of text.split('\n').entries()) {
    const origin = `${path} line ${index + 1}`;
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const at = trimmed.indexOf('=');
    const name = trimmed.slice(0, Math.max(at, 0)).trim();
    if (name !== 'brokers' && name !== 'timeout')
      throw new UsageError(`${origin}: it is neither brokers= nor timeout=`);
    found.set(name, { name, value: trimmed.slice(at + 1).trim(), origin });
  }
  return found;
}

/** Where the person's file is looked for (https://specifications.freedesktop.org/basedir-spec/). */
function ownFile({ environment }: World): string | undefined {
  const { ODRADEK_COMMAND_CONFIG, XDG_CONFIG_HOME, APPDATA, HOME } = environment;
  if (ODRADEK_COMMAND_CONFIG !== undefined) return ODRADEK_COMMAND_CONFIG;
  const folder = XDG_CONFIG_HOME || APPDATA || (HOME && `${HOME}/.config`);
  return folder ? `${folder}/${FILE}` : undefined;
}
