/** Configurations: a resource's, by the broker, and the command's own. */
import { Admin } from '@odradek/client';
import type { ConfigChange, ConfigEntry, ConfigResource } from '@odradek/client';
import type { ChangeOptions, PrintConfigOptions, ResourceOptions } from './commands/config.ts';
import { withCluster } from './connect.ts';
import { say } from './messages.ts';
import { resolveSettings } from './settings.ts';
import { writeJson, writeTable } from './table.ts';
import { EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

interface Row {
  readonly key: string;
  readonly value: string | null;
  readonly origin: string;
}

/** Kafka's own words for where a value comes from (DescribeConfigs), in words. */
const ORIGINS: Readonly<Record<ConfigEntry['source'], string>> = {
  topic: 'set for this topic',
  broker: 'set for this broker while it runs',
  cluster: 'set for all brokers while they run',
  static: "the broker's start: file, environment or flag",
  default: 'default',
  'broker logger': 'set for a logger',
  'client metrics': 'set for client metrics',
  group: 'set for this group',
  unknown: 'unknown',
};

export async function print(world: World, options: PrintConfigOptions): Promise<number> {
  const resource = resourceOf(options);
  const rows =
    resource === undefined
      ? await ownRows(world, options)
      : await withCluster(world, options, async (cluster) =>
          (await new Admin(cluster).describeConfig(resource))
            .filter((entry) => options.all || isShown(resource, entry))
            .map(rowOf),
        );
  const sorted = [...rows].sort((a, b) => (a.key < b.key ? -1 : 1));
  if (options.json) await writeJson(world, sorted);
  else if (sorted.length === 0)
    await say(world, 'nothing is set here: --all prints the defaults too');
  else if (options.origin)
    await writeTable(
      world,
      ['KEY', 'VALUE', 'ORIGIN'],
      sorted.map(({ key, value, origin }) => [key, value ?? '-', origin]),
    );
  else await world.stdout.write(sorted.map(({ key, value }) => `${key}=${value ?? ''}\n`).join(''));
  return EXIT_OK;
}

const ownRows = async (world: World, options: PrintConfigOptions): Promise<readonly Row[]> =>
  Object.values(await resolveSettings(world, options)).map(({ name, value, origin }) => ({
    key: name,
    value,
    origin,
  }));

/** What somebody has decided. */
const isShown = (resource: ConfigResource, { source, isOverride }: ConfigEntry): boolean =>
  'broker' in resource ? source !== 'default' : isOverride;

const rowOf = ({ name, value, source, isSensitive }: ConfigEntry): Row => ({
  key: name,
  value: isSensitive ? null : value,
  origin: `${ORIGINS[source]}${isSensitive ? ' (hidden)' : ''}`,
});

export function set(
  world: World,
  pairs: readonly string[],
  options: ChangeOptions,
): Promise<number> {
  const changes = Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`${pair}: write it as key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
  return change(world, changes, options);
}

export const remove = (
  world: World,
  keys: readonly string[],
  options: ChangeOptions,
): Promise<number> => change(world, Object.fromEntries(keys.map((key) => [key, null])), options);

function change(
  world: World,
  changes: Readonly<Record<string, ConfigChange>>,
  { dryRun = false, json, ...options }: ChangeOptions,
): Promise<number> {
  const resource = resourceOf(options);
  if (resource === undefined)
    throw new UsageError('say whose: --topic, --broker, --all-brokers or --group');
  return withCluster(world, options, async (cluster) => {
    await new Admin(cluster).alterConfig(resource, changes, { validateOnly: dryRun });
    if (json) await writeJson(world, [{ ...resource, changes, dryRun }]);
    else {
      const keys = Object.keys(changes).join(', ');
      await say(world, dryRun ? `${keys} could be changed` : `changed ${keys}`);
    }
    return EXIT_OK;
  });
}

function resourceOf({
  topic,
  broker,
  allBrokers,
  group,
}: ResourceOptions): ConfigResource | undefined {
  const named: readonly ConfigResource[] = [
    ...(topic === undefined ? [] : [{ topic }]),
    ...(broker === undefined ? [] : [{ broker }]),
    ...(allBrokers ? [{ broker: '' as const }] : []),
    ...(group === undefined ? [] : [{ group }]),
  ];
  if (named.length > 1)
    throw new UsageError('one of --topic, --broker, --all-brokers and --group, not several');
  return named[0];
}
