/**
 * Several brokers of one cluster on one machine, for development: where each of them listens and keeps its data. Written into the
 * folder that they share, so that one of them can be started again alone: to others it must be where it was before.
 */
import { basename, dirname, join, resolve } from 'node:path';
import type { UpOptions } from './commands/up.ts';
import { UsageError } from './world.ts';
import type { World } from './world.ts';

export interface ClusterLayout {
  /** An odd number, 3 at least: the brokers are 1 to this. */
  readonly brokers: number;
  readonly host: string;
  /** Kafka's, of broker 1; the others' follow. */
  readonly port: number;
  /** HTTP's, of broker 1: the brokers talk to each other there. */
  readonly httpPort: number;
  /** What --config and --set said: it holds for a broker that comes back too. */
  readonly config: readonly string[];
  readonly set: readonly string[];
}

export const BROKERS_MAX = 9;
export const LAYOUT_FILE = 'cluster.properties';
export const DATA_FOLDER_DEFAULT = '.odradek';
export const KAFKA_PORT_DEFAULT = 9092;
/** From Kafka's port of the first broker to HTTP's: 9092 and 9192. */
const HTTP_PORT_DISTANCE = 100;
const PORT_MAX = 65_535;
/** The file by which a broker knows its folder again. */
const SINGLE_BROKER_FILE = 'meta.properties';
const VOTERS = 'controller.quorum.voters=';

/** Refuses by name what would be no cluster. */
export function checkBrokerCount(count: number): void {
  if (count === 1) throw new UsageError('--brokers 1: one broker is `odradek up` alone');
  if (count % 2 === 0)
    throw new UsageError(
      `--brokers ${count}: an even number bears no more failures than ${count - 1}, and may be cut into halves of which none can lead: take ${count + 1}`,
    );
  if (count > BROKERS_MAX)
    throw new UsageError(`--brokers ${count}: on one machine ${BROKERS_MAX} at the most`);
}

export const folderOf = (parent: string, nodeId: number): string =>
  join(parent, `broker-${nodeId}`);

/** What was asked for, what an earlier start remembers, or free ports. */
export async function planLayout(
  count: number,
  options: UpOptions,
  remembered: ClusterLayout | undefined,
  world: World,
): Promise<ClusterLayout> {
  checkBrokerCount(count);
  if (remembered !== undefined && remembered.brokers !== count)
    throw new UsageError(
      `--brokers ${count}: the folder holds a cluster of ${remembered.brokers}; take another --data-dir`,
    );
  const host = options.host ?? remembered?.host ?? '127.0.0.1';
  const asked = options.port ?? remembered?.port ?? KAFKA_PORT_DEFAULT;
  const askedHttp =
    options.httpPort ??
    (options.port === undefined ? remembered?.httpPort : undefined) ??
    (asked === 0 ? 0 : asked + HTTP_PORT_DISTANCE);
  const freed = asked === 0 || askedHttp === 0 ? await world.freePorts(2 * count) : 0;
  const port = asked === 0 ? freed : asked;
  const httpPort = askedHttp === 0 ? freed + count : askedHttp;
  for (const [flag, first] of [
    ['--port', port],
    ['--http-port', httpPort],
  ] as const)
    if (first + count - 1 > PORT_MAX)
      throw new UsageError(`${flag} ${first}: ${count} ports from there on do not exist`);
  if (Math.abs(port - httpPort) < count)
    throw new UsageError(
      `--port ${port} and --http-port ${httpPort}: each broker takes one of both, ${count} from there on, and they overlap`,
    );
  return {
    brokers: count,
    host,
    port,
    httpPort,
    // Read again from wherever the person is then.
    config: (options.config ?? []).map((path) => resolve(path)),
    set: options.set ?? [],
  };
}

/** What `odradek up` is told for one of them. */
export const optionsOf = (
  layout: ClusterLayout,
  nodeId: number,
  parent: string,
  options: UpOptions,
): UpOptions => ({
  ...options,
  nodeId,
  dataDir: folderOf(parent, nodeId),
  host: options.host ?? layout.host,
  port: layout.port + nodeId - 1,
  httpPort: layout.httpPort + nodeId - 1,
  config: options.config ?? layout.config,
  set: [votersOf(layout), ...(options.set ?? layout.set)],
});

/**
 * A broker of a cluster that `--brokers` made, started alone: `--data-dir` names the cluster's folder, or the broker's own. Undefined when
 * the folder is no such cluster's; refused when it is and the broker is not one of it.
 */
export async function findInCluster(
  options: UpOptions,
  world: World,
): Promise<UpOptions | undefined> {
  const { nodeId } = options;
  if (options.memory === true || options.set?.some((it) => it.startsWith(VOTERS))) return undefined;
  const folder = dataFolder(options, world);
  let parent = folder;
  let layout = await readLayout(folder, world);
  const own = /^broker-(\d+)$/.exec(basename(folder))?.[1];
  if (layout === undefined && own !== undefined) {
    parent = dirname(folder);
    layout = await readLayout(parent, world);
    if (layout !== undefined && nodeId !== undefined && nodeId !== Number(own))
      throw new UsageError(`--node-id ${nodeId}: ${folder} is broker ${own}'s`);
  }
  if (layout === undefined) return undefined;
  const wanted = nodeId ?? (parent === folder ? undefined : Number(own));
  if (wanted === undefined)
    throw new UsageError(
      `${folder} holds a cluster of ${layout.brokers}: --brokers ${layout.brokers} starts all of it, --node-id N one of them`,
    );
  if (wanted < 1 || wanted > layout.brokers)
    throw new UsageError(`--node-id ${wanted}: ${parent} holds the brokers 1 to ${layout.brokers}`);
  const place = optionsOf(layout, wanted, parent, options);
  return {
    ...place,
    port: options.port ?? place.port ?? 0,
    httpPort: options.httpPort ?? place.httpPort ?? 0,
  };
}

export const dataFolder = ({ dataDir }: UpOptions, { environment }: World): string =>
  dataDir ?? environment['ODRADEK_DATA_DIR'] ?? DATA_FOLDER_DEFAULT;

export async function readLayout(folder: string, world: World): Promise<ClusterLayout | undefined> {
  const path = join(folder, LAYOUT_FILE);
  const text = await world.readFile(path);
  return text === undefined ? undefined : parseLayout(text, path);
}

/** One broker's own data is not made a cluster's. */
export async function refuseSingleBroker(folder: string, world: World): Promise<void> {
  if ((await world.readFile(join(folder, SINGLE_BROKER_FILE))) !== undefined)
    throw new UsageError(
      `${folder} holds the data of one broker alone: take another --data-dir for a cluster`,
    );
}

export const formatLayout = (layout: ClusterLayout): string =>
  [
    '# The cluster that `odradek up --brokers` made here. `odradek up --node-id N` starts one of it again.',
    `# ${votersOf(layout)}`,
    `brokers=${layout.brokers}`,
    `host=${layout.host}`,
    `port=${layout.port}`,
    `http.port=${layout.httpPort}`,
    ...layout.config.map((path) => `config=${path}`),
    ...layout.set.map((entry) => `set=${entry}`),
    '',
  ].join('\n');

export function parseLayout(text: string, path: string): ClusterLayout {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (line.startsWith('#') || at < 0) continue;
    const key = line.slice(0, at);
    found.set(key, [...(found.get(key) ?? []), line.slice(at + 1)]);
  }
  const number = (key: string): number => {
    const value = found.get(key)?.[0] ?? '';
    if (!/^[1-9]\d{0,4}$/.test(value))
      throw new UsageError(`${path}: ${key}=${value} is not what --brokers wrote`);
    return Number(value);
  };
  return {
    brokers: number('brokers'),
    host: found.get('host')?.[0] ?? '127.0.0.1',
    port: number('port'),
    httpPort: number('http.port'),
    config: found.get('config') ?? [],
    set: found.get('set') ?? [],
  };
}

const votersOf = ({ brokers, host, httpPort }: ClusterLayout): string =>
  VOTERS +
  Array.from(
    { length: brokers },
    (_, index) => `${index + 1}@${peerHost(host)}:${httpPort + index}`,
  ).join(',');

/** They are on one machine: where every interface is listened on, they meet on the loopback. */
const peerHost = (host: string): string => {
  if (['', '0.0.0.0', '::'].includes(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
};
