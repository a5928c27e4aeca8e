import type { MetricFamily } from '@odradek/broker';
import { text, type HttpHandler, type HttpReply, type HttpRequest } from './http.ts';
import { prometheusContentType, renderPrometheus } from './prometheus.ts';

export interface HealthReport {
  readonly isHealthy: boolean;
  /** What `?verbose` adds, as JSON. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface BrokerRoutesOptions {
  /** Alive: false asks a supervisor to restart the process. */
  readonly live: () => HealthReport;
  /** Ready: false asks a load balancer to send nobody. */
  readonly ready: () => HealthReport;
  readonly metrics: () => readonly MetricFamily[];
}

/** The pages of every broker. Health is answered from memory: a probe must not wait for a disk. */
export function createBrokerRoutes({
  live,
  ready,
  metrics,
}: BrokerRoutesOptions): Readonly<Record<string, HttpHandler>> {
  return {
    '/': () => text(200, frontPage),
    '/healthz': (request) => health(request, live()),
    '/readyz': (request) => health(request, ready()),
    '/metrics': () => ({
      status: 200,
      contentType: prometheusContentType,
      body: renderPrometheus(metrics()),
    }),
  };
}

function health({ query }: HttpRequest, { isHealthy, details }: HealthReport): HttpReply {
  const status = isHealthy ? 200 : 503;
  if (!query.has('verbose')) return text(status, isHealthy ? 'ok' : 'not ok');
  return {
    status,
    contentType: 'application/json; charset=utf-8',
    body: `${JSON.stringify({ ok: isHealthy, ...details }, null, 2)}\n`,
  };
}

const frontPage = `Odradek, an event broker that speaks Kafka's protocol.

/kafka    Kafka's protocol in binary WebSocket messages
/healthz  whether it lives           (?verbose tells more)
/readyz   whether it takes requests  (?verbose tells more)
/metrics  numbers, in Prometheus' text format`;
