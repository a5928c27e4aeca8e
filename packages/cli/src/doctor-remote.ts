/** The way to the brokers: the addresses that were given, those that they tell, the WebSocket, the clock. */
import { Cluster, UnsupportedApi } from '@odradek/client';
import type { ClientHost } from '@odradek/client';
import type { Endpoint } from '@odradek/ports';
import { apiVersionsRequest, apiVersionsResponse } from '@odradek/protocol';
import type { ApiVersionsResponse } from '@odradek/protocol';
import { failed, ok, warning } from './doctor-finding.ts';
import type { Finding } from './doctor-finding.ts';
import type { Machine } from './doctor-machine.ts';
import type { Link, World } from './world.ts';

const TIMEOUT_MS = 3000;
/** HTTP dates count whole seconds. */
const CLOCK_DIFFERENCE_MS_GOOD = 2000;
const PRODUCE = 0;
const FETCH = 1;

const apiVersionsApi = {
  request: apiVersionsRequest,
  response: apiVersionsResponse,
  maxVersion: 3,
};

export interface Remote {
  readonly world: World;
  readonly machine: Machine;
  readonly link: Link;
  readonly endpoints: readonly Endpoint[];
  readonly httpPort: number;
}

export async function checkBrokers(remote: Remote): Promise<readonly Finding[]> {
  const { world, link, endpoints } = remote;
  const host = await world.clientHost(link);
  const cluster = clusterOf(host, endpoints);
  const shown = endpoints.map(({ host: name, port }) => `${name}:${port}`).join(', ');
  try {
    const startedMs = world.monotonicMs();
    const reached = await attempt(() => cluster.metadata({ topics: [] }));
    const tookMs = world.monotonicMs() - startedMs;
    if ('error' in reached)
      return [
        failed(
          `broker ${shown}`,
          reached.error,
          'start one with odradek up, or name it with -b or ODRADEK_BROKERS',
        ),
      ];
    const nodes = cluster.nodeIds;
    const findings: Finding[] = [ok(`broker ${shown}`, `answers in ${tookMs.toFixed(0)} ms`)];
    for (const nodeId of nodes) findings.push(await checkAdvertised(cluster, nodeId));
    return findings;
  } finally {
    cluster.close();
  }
}

/** What brokers tell of themselves is what every client uses after the first answer. */
async function checkAdvertised(cluster: Cluster, nodeId: number): Promise<Finding> {
  const check = `broker ${nodeId} at ${cluster.addressOf(nodeId)}`;
  const reached = await attempt(() => askVersions(cluster, nodeId));
  return 'error' in reached
    ? failed(
        check,
        `its advertised address cannot be reached: ${reached.error}`,
        'set advertised.listeners to an address that clients can reach',
      )
    : ok(check, `its advertised address answers${reached.value}`);
}

/** A broker that answers to other things may have nothing to say here. */
async function askVersions(cluster: Cluster, nodeId: number): Promise<string> {
  const body = { clientSoftwareName: 'odradek', clientSoftwareVersion: 'doctor' };
  try {
    return `; ${versionsIn(await cluster.ask(nodeId, apiVersionsApi, body))}`;
  } catch (error) {
    if (error instanceof UnsupportedApi) return '';
    throw error;
  }
}

function versionsIn({ apiKeys }: ApiVersionsResponse): string {
  const upTo = (key: number): number =>
    apiKeys.find(({ apiKey }) => apiKey === key)?.maxVersion ?? -1;
  return `${apiKeys.length} APIs, Produce up to ${upTo(PRODUCE)}, Fetch up to ${upTo(FETCH)}`;
}

export async function checkWebSocket(remote: Remote): Promise<Finding> {
  const { world, link, endpoints, httpPort } = remote;
  const [first] = endpoints;
  const host = first?.host ?? '';
  const check = `WebSocket ws://${host}:${httpPort}/kafka`;
  if (link.kind === 'websocket') return ok('WebSocket', 'the broker was reached by it');
  const client = await world.clientHost({ kind: 'websocket', path: '/kafka', secure: false });
  const cluster = clusterOf(client, [{ host, port: httpPort }]);
  try {
    const reached = await attempt(() => cluster.metadata({ topics: [] }));
    return 'error' in reached
      ? warning(
          check,
          reached.error,
          'pages cannot reach the broker: start it with --http-port N (and name that to doctor), without --no-http',
        )
      : ok(check, 'a page can reach the broker');
  } finally {
    cluster.close();
  }
}

export async function checkClock({ machine, endpoints, httpPort }: Remote): Promise<Finding> {
  const check = 'clock';
  const host = endpoints[0]?.host ?? '';
  const name = host.includes(':') ? `[${host}]` : host;
  const beforeMs = machine.wallTimeMs();
  const answered = await attempt(() =>
    machine.httpDateMs(`http://${name}:${httpPort}/healthz`, TIMEOUT_MS),
  );
  const afterMs = machine.wallTimeMs();
  if ('error' in answered || Number.isNaN(answered.value))
    return warning(check, "the broker's time is not known", 'it is told by HTTP: see --http-port');
  // A date stands for the whole second that it begins.
  const difference = answered.value + 500 - (beforeMs + afterMs) / 2;
  return Math.abs(difference) <= CLOCK_DIFFERENCE_MS_GOOD
    ? ok(check, "the broker's time is this machine's")
    : warning(
        check,
        `the broker's is ${(Math.abs(difference) / 1000).toFixed(0)} s ${difference > 0 ? 'ahead' : 'behind'}`,
        'set both by NTP: times of records and retention go by them',
      );
}

export const clusterOf = (host: ClientHost, bootstrap: readonly Endpoint[]): Cluster =>
  new Cluster(host, {
    bootstrap,
    clientId: 'odradek-doctor',
    requestTimeoutMs: TIMEOUT_MS,
    retry: { timeoutMs: TIMEOUT_MS },
  });

async function attempt<T>(
  work: () => Promise<T>,
): Promise<{ readonly value: T } | { readonly error: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
