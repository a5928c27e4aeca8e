/** The broker's metrics, read off its parts when somebody asks. Names follow what Kafka's exporters call these things, so that dashboards port. */
import type { QuorumMember } from '@odradek/quorum';
import type { Connections } from '../connection/connections.ts';
import type { FetchSessions } from '../fetch/fetch-sessions.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { ReplicaManager } from '../replica-manager.ts';
import { LATENCY_BUCKETS_MS, type RequestMetrics } from './request-metrics.ts';
import type { MetricFamily, ScalarSample } from './types.ts';

export interface MetricSources {
  readonly requests: RequestMetrics;
  readonly image: MetadataImage;
  readonly connections: Connections | undefined;
  readonly replicas: ReplicaManager | undefined;
  readonly quorum: QuorumMember | undefined;
  readonly fetchSessions: FetchSessions | undefined;
}

export const brokerMetrics = (sources: MetricSources): readonly MetricFamily[] => [
  ...networkFamilies(sources),
  ...requestFamilies(sources.requests),
  ...partitionFamilies(sources),
  gauge('kafka_controller_active', 'Whether this broker is the active controller', [
    one(sources.quorum?.snapshot.role === 'leader' ? 1 : 0),
  ]),
  gauge('kafka_metadata_log_end_offset', 'End of the metadata log', [
    one(sources.quorum?.snapshot.logEndOffset ?? 0),
  ]),
  gauge('kafka_fetch_sessions', 'Incremental fetch sessions held', [
    one(sources.fetchSessions?.size ?? 0),
  ]),
];

const gauge = (name: string, help: string, samples: readonly ScalarSample[]): MetricFamily => ({
  name,
  help,
  type: 'gauge',
  samples,
});
const counter = (name: string, help: string, samples: readonly ScalarSample[]): MetricFamily => ({
  name,
  help,
  type: 'counter',
  samples,
});
const one = (value: number): ScalarSample => ({ labels: {}, value });

const networkFamilies = ({ requests, connections }: MetricSources): MetricFamily[] => [
  counter('kafka_network_bytes_in_total', 'Bytes received from clients', [one(requests.bytesIn)]),
  counter('kafka_network_bytes_out_total', 'Bytes sent to clients', [one(requests.bytesOut)]),
  counter('kafka_connections_accepted_total', 'Client connections accepted', [
    one(requests.connectionsAccepted),
  ]),
  counter('kafka_connections_refused_total', 'Client connections refused by a limit', [
    one(requests.connectionsRefused),
  ]),
  gauge(
    'kafka_connections',
    'Client connections open',
    [...(connections?.countByListener() ?? [])].map(([listener, value]) => ({
      labels: { listener },
      value,
    })),
  ),
  gauge('kafka_requests_in_flight', 'Requests that are worked on', [
    one(connections?.budget.requests ?? 0),
  ]),
  gauge('kafka_connections_waiting', 'Connections that are not read from until others are done', [
    one(connections?.budget.waitingForRoom ?? 0),
  ]),
  gauge('kafka_requests_waiting', 'Requests that wait for records or for their group', [
    one(connections?.budget.waitingRequests ?? 0),
  ]),
  gauge('kafka_answers_unsent_bytes', 'Bytes of answers being read or not yet taken by clients', [
    one(connections?.budget.answerBytes ?? 0),
  ]),
  gauge('kafka_requests_in_flight_bytes', 'Bytes of requests that are under way', [
    one(connections?.budget.bytes ?? 0),
  ]),
];

const requestFamilies = (requests: RequestMetrics): MetricFamily[] => {
  const apis = [...requests.byApi];
  return [
    counter(
      'kafka_requests_total',
      'Requests answered, by API',
      apis.map(([api, it]) => ({ labels: { api }, value: it.requests })),
    ),
    counter(
      'kafka_request_failures_total',
      'Requests that ended in an internal error, by API',
      apis.map(([api, it]) => ({ labels: { api }, value: it.failures })),
    ),
    {
      name: 'kafka_request_duration_seconds',
      help: 'From the request read to its answer sent, by API; a long poll counts its wait',
      type: 'histogram',
      samples: apis.map(([api, it]) => ({
        labels: { api },
        upperBounds: LATENCY_BUCKETS_MS.map((ms) => ms / 1000),
        counts: [...it.buckets],
        sum: it.totalMs / 1000,
      })),
    },
  ];
};

const partitionFamilies = ({ replicas, image }: MetricSources): MetricFamily[] => {
  let leaders = 0;
  let offline = 0;
  let underReplicated = 0;
  let waitingProduces = 0;
  const sizes = new Map<string, number>();
  const ends: ScalarSample[] = [];
  for (const { topic, partition, replica, log } of replicas?.all() ?? []) {
    if (replica.role === 'leader') leaders += 1;
    if (replica.role === 'offline') offline += 1;
    const assignment = image.partition(topic, partition);
    if (
      replica.role === 'leader' &&
      assignment !== undefined &&
      assignment.isr.length < assignment.replicas.length
    ) {
      underReplicated += 1;
    }
    waitingProduces += replica.waitingProduces;
    if (log === undefined) continue;
    sizes.set(topic, (sizes.get(topic) ?? 0) + log.sizeBytes);
    ends.push({ labels: { topic, partition: String(partition) }, value: log.highWatermark });
  }
  return [
    gauge('kafka_topics', 'Topics of the cluster', [one(image.topics.size)]),
    gauge('kafka_partitions', 'Partition replicas on this broker', [one(replicas?.size ?? 0)]),
    gauge('kafka_partitions_leader', 'Partitions that this broker leads', [one(leaders)]),
    gauge('kafka_partitions_offline', 'Partition replicas whose storage failed', [one(offline)]),
    gauge('kafka_partitions_under_replicated', 'Led partitions with replicas out of sync', [
      one(underReplicated),
    ]),
    gauge('kafka_produces_waiting', 'Produces that wait to be flushed or replicated', [
      one(waitingProduces),
    ]),
    gauge(
      'kafka_log_size_bytes',
      'Size of the logs, by topic',
      [...sizes].map(([topic, value]) => ({ labels: { topic }, value })),
    ),
    gauge('kafka_log_high_watermark', 'Offset up to which records are committed', ends),
  ];
};
