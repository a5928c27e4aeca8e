/** One look at the cluster: counters, by the protocol (so any broker will do) and from /metrics where there is one. */
import { Admin } from '@odradek/client';
import type { Cluster } from '@odradek/client';
import type { World } from './world.ts';

export interface TopicCounters {
  readonly name: string;
  readonly partitions: number;
  /** Ends of its partitions together: rises by one a record. */
  readonly endOffsets: number;
  /** On all brokers together; undefined where brokers do not tell. */
  readonly sizeBytes: number | undefined;
}

export interface GroupCounters {
  readonly name: string;
  readonly state: string;
  readonly committed: number;
  readonly lag: number;
}

export interface BrokerCounters {
  readonly nodeId: number;
  readonly address: string;
  /** Undefined without /metrics. */
  readonly metrics: BrokerMetrics | undefined;
}

export interface BrokerMetrics {
  readonly requests: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly connections: number;
}

export interface Sample {
  readonly atMs: number;
  readonly topics: readonly TopicCounters[];
  readonly groups: readonly GroupCounters[];
  readonly brokers: readonly BrokerCounters[];
}

/** More would make looking a load of its own. */
const TOPICS_MAX = 500;
const GROUPS_MAX = 100;
const METRICS_PORT = 9094;
const METRICS_TIMEOUT_MS = 1000;

export async function takeSample(
  world: World,
  cluster: Cluster,
  metricsUrl: string | undefined,
): Promise<Sample> {
  const admin = new Admin(cluster);
  const [topics, groups, brokers] = await Promise.all([
    sampleTopics(admin),
    sampleGroups(admin),
    sampleBrokers(world, admin, metricsUrl),
  ]);
  return { atMs: world.monotonicMs(), topics, groups, brokers };
}

async function sampleTopics(admin: Admin): Promise<readonly TopicCounters[]> {
  const topics = (await admin.listTopics())
    .filter(({ isInternal }) => !isInternal)
    .slice(0, TOPICS_MAX);
  const sizes = await sizesByTopic(admin);
  return Promise.all(
    topics.map(async ({ name, partitions }) => {
      const topic = name ?? '';
      // One that is deleted at this moment counts for nothing.
      const ends = await admin.listOffsets(topic, 'latest').catch(() => []);
      return {
        name: topic,
        partitions: partitions.length,
        endOffsets: ends.reduce((total, { offset }) => total + Math.max(0, offset), 0),
        sizeBytes: sizes?.get(topic) ?? (sizes === undefined ? undefined : 0),
      };
    }),
  );
}

async function sizesByTopic(admin: Admin): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    const sizes = new Map<string, number>();
    for (const { partitions } of await admin.describeLogDirs())
      for (const { topic, sizeBytes } of partitions)
        sizes.set(topic, (sizes.get(topic) ?? 0) + sizeBytes);
    return sizes;
  } catch {
    return undefined;
  }
}

async function sampleGroups(admin: Admin): Promise<readonly GroupCounters[]> {
  const groups = (await admin.listGroups()).slice(0, GROUPS_MAX);
  return Promise.all(
    groups.map(async ({ groupId: name, state }) => {
      const lags = await admin.groupLag(name).catch(() => []);
      return {
        name,
        state,
        committed: lags.reduce(
          (total, { committedOffset }) => total + Math.max(0, committedOffset),
          0,
        ),
        lag: lags.reduce((total, { lag }) => total + (lag ?? 0), 0),
      };
    }),
  );
}

async function sampleBrokers(
  world: World,
  admin: Admin,
  metricsUrl: string | undefined,
): Promise<readonly BrokerCounters[]> {
  const { brokers } = await admin.describeCluster();
  return Promise.all(
    brokers.map(async ({ nodeId, host, port }) => {
      const name = host.includes(':') ? `[${host}]` : host;
      // A URL that is given is one broker's; of several it could not be told which.
      const url =
        brokers.length === 1 && metricsUrl !== undefined
          ? metricsUrl
          : `http://${name}:${METRICS_PORT}/metrics`;
      const text = await world.fetchText(url, METRICS_TIMEOUT_MS).catch(() => undefined);
      return {
        nodeId,
        address: `${name}:${port}`,
        metrics: text === undefined ? undefined : readMetrics(text),
      };
    }),
  );
}

/** The sums of the samples that are shown, out of Prometheus' text; undefined when it is somebody else's page. */
export function readMetrics(text: string): BrokerMetrics | undefined {
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+)(?:\{.*\})? (\S+)/.exec(line);
    if (match === null) continue;
    const [, name = '', value = ''] = match;
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  const requests = sums.get('kafka_requests_total');
  if (requests === undefined) return undefined;
  return {
    requests,
    bytesIn: sums.get('kafka_network_bytes_in_total') ?? 0,
    bytesOut: sums.get('kafka_network_bytes_out_total') ?? 0,
    connections: sums.get('kafka_connections') ?? 0,
  };
}
