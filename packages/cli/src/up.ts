/** Runs a broker until a signal stops it. Loaded by `odradek up` only: everything of the broker comes with it. */
import {
  applyListenerFlags,
  createNodeLogger,
  readConfigEntries,
  startBroker as startNodeBroker,
} from '@odradek/node';
import type { Logger } from '@odradek/ports';
import type { ConfigEntry, RunningBroker, StartBroker } from '@odradek/node';
import { banner, describe } from './banner.ts';
import { findInCluster } from './cluster-layout.ts';
import type { UpOptions } from './commands/up.ts';
import { LOG_LEVELS } from './commands/up.ts';
import { OWN_VARIABLES } from './settings.ts';
import { EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

export async function up(
  options: UpOptions,
  world: World,
  startBroker: StartBroker = startNodeBroker,
): Promise<number> {
  const entries = await readEntries((await findInCluster(options, world)) ?? options, world);
  const logger = createLogger(options, world);
  const broker = await startBroker({ entries, memory: options.memory ?? false, logger });
  // First of all: whoever reads where it is may stop it the next moment.
  const stopped = untilStopped(broker, world);
  stopped.catch(() => {});
  if (options.json) await world.stdout.write(`${JSON.stringify(describe(broker))}\n`);
  else if (!options.quiet) await world.stdout.write(banner(broker, world));
  return stopped;
}

async function readEntries(
  options: UpOptions,
  { environment }: World,
): Promise<readonly ConfigEntry[]> {
  const dataFolder = options.dataDir ?? environment['ODRADEK_DATA_DIR'];
  const file = environment['ODRADEK_CONFIG'];
  const origin = options.dataDir === undefined ? 'ODRADEK_DATA_DIR' : '--data-dir';
  const entries = await readConfigEntries({
    files: options.config ?? (file === undefined ? [] : [file]),
    environment,
    environmentExceptions: OWN_VARIABLES,
    flags: [
      ...(dataFolder === undefined ? [] : [{ key: 'log.dirs', value: dataFolder, origin }]),
      ...(options.nodeId === undefined
        ? []
        : [{ key: 'node.id', value: String(options.nodeId), origin: '--node-id' }]),
    ],
    set: options.set ?? [],
  });
  return applyListenerFlags(entries, {
    host: options.host,
    port: options.port,
    httpPort: options.http ? options.httpPort : false,
  });
}

function createLogger({ logLevel, quiet }: UpOptions, { environment }: World): Logger {
  const named = environment['ODRADEK_LOG_LEVEL'];
  const fromEnvironment = LOG_LEVELS.find((level) => level === named);
  if (named !== undefined && fromEnvironment === undefined)
    throw new UsageError(`ODRADEK_LOG_LEVEL=${named} is none of ${LOG_LEVELS.join(', ')}`);
  return createNodeLogger({ level: logLevel ?? fromEnvironment ?? (quiet ? 'warn' : 'info') });
}

/** The first signal asks the broker to drain and to mark a clean stop; the second ends the process where it stands. */
async function untilStopped(broker: RunningBroker, world: World): Promise<number> {
  let signals = 0;
  const forget = world.onSignal((exitCode) => {
    signals += 1;
    if (signals > 1) world.exit(exitCode);
    else broker.stop().catch(() => {});
  });
  try {
    await broker.stopped;
    return EXIT_OK;
  } finally {
    forget();
  }
}
