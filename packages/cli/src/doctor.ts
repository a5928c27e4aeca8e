/** Checks one thing after the other and says what to do; exit code 1 when something must be done. */
import { parseBrokers } from './brokers.ts';
import type { DoctorOptions } from './commands/doctor.ts';
import type { Finding } from './doctor-finding.ts';
import { checkFolder, checkNode, checkPort } from './doctor-local.ts';
import { createMachine } from './doctor-machine.ts';
import type { Machine } from './doctor-machine.ts';
import { checkBrokers, checkClock, checkWebSocket, clusterOf } from './doctor-remote.ts';
import type { Remote } from './doctor-remote.ts';
import { plural, say } from './messages.ts';
import { resolveSettings } from './settings.ts';
import { styleFor } from './style.ts';
import { writeJson } from './table.ts';
import { EXIT_FAILURE, EXIT_OK, Interrupted } from './world.ts';
import type { World } from './world.ts';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);
const DATA_FOLDER_DEFAULT = '.odradek';

export async function doctor(
  world: World,
  options: DoctorOptions,
  machine: Machine = createMachine(),
): Promise<number> {
  const { brokers } = await resolveSettings(world, options);
  const remote: Remote = {
    world,
    machine,
    ...parseBrokers(brokers.value),
    httpPort: options.httpPort,
  };
  let interrupted: number | undefined;
  const forget = world.onSignal((exitCode) => (interrupted = exitCode));
  const findings: Finding[] = [];
  try {
    for await (const finding of allFindings(remote, options)) {
      if (interrupted !== undefined) throw new Interrupted(interrupted);
      findings.push(finding);
      if (options.json) await writeJson(world, [finding]);
      else await tell(world, finding);
    }
  } finally {
    forget();
  }
  const [bad, doubtful] = (['failed', 'warning'] as const).map(
    (status) => findings.filter((each) => each.status === status).length,
  );
  if (!options.json)
    await say(
      world,
      bad === 0 && doubtful === 0
        ? 'all is well'
        : `${plural(bad ?? 0, 'failure')}, ${plural(doubtful ?? 0, 'warning')}`,
    );
  return bad === 0 ? EXIT_OK : EXIT_FAILURE;
}

async function* allFindings(
  remote: Remote,
  options: DoctorOptions,
): AsyncGenerator<Finding, void, undefined> {
  const { world, machine, endpoints, link, httpPort } = remote;
  yield { check: 'odradek', status: 'ok', found: world.version };
  yield checkNode(machine);
  // Ports and folder are a broker's that runs here.
  const here = endpoints.find(({ host }) => LOOPBACK.has(host));
  if (here !== undefined) {
    const kafkaPort = link.kind === 'tcp' ? here.port : undefined;
    if (kafkaPort !== undefined)
      yield await checkPort(machine, kafkaPort, '--port', () => answers(remote, kafkaPort));
    yield await checkPort(machine, httpPort, '--http-port', () => hasHealth(remote));
    yield* await checkFolder(
      machine,
      options.dataDir ?? world.environment['ODRADEK_DATA_DIR'] ?? DATA_FOLDER_DEFAULT,
    );
  }
  const reached = await checkBrokers(remote);
  yield* reached;
  if (reached.some(({ status }) => status === 'ok')) {
    yield await checkWebSocket(remote);
    yield await checkClock(remote);
  }
}

async function answers({ world, link, endpoints }: Remote, port: number): Promise<boolean> {
  const cluster = clusterOf(
    await world.clientHost(link),
    endpoints.filter((each) => each.port === port),
  );
  try {
    await cluster.metadata({ topics: [] });
    return true;
  } catch {
    return false;
  } finally {
    cluster.close();
  }
}

const HEALTH_TIMEOUT_MS = 2000;

const hasHealth = ({ world, httpPort }: Remote): Promise<boolean> =>
  world.fetchText(`http://127.0.0.1:${httpPort}/healthz`, HEALTH_TIMEOUT_MS).then(
    (text) => text.trim() === 'ok',
    () => false,
  );

async function tell(world: World, { check, status, found, advice }: Finding): Promise<void> {
  const { green, yellow, red } = styleFor(world, world.stdout);
  const mark = { ok: green('ok     '), warning: yellow('warning'), failed: red('FAILED ') }[status];
  await world.stdout.write(
    `${mark}  ${check}: ${found}\n${advice === undefined ? '' : `         ${advice}\n`}`,
  );
}
