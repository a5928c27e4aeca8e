import { kafkaApis } from './kafka-apis.mjs';
import { GENERATED, table } from './markdown.mjs';

const OWN_KEYS_MIN = 20_000;

/** docs/api-coverage.md: what ApiVersions advertises, beside what Kafka 4.2 does. */
export function apiCoverage(handlers) {
  const byKey = new Map(handlers.map((handler) => [handler.key, handler]));
  const served = [...handlers].sort((a, b) => a.key - b.key);
  const range = (min, max) => (min === max ? `${min}` : `${min}–${max}`);
  const kafka = new Map(kafkaApis.map(([key, , min, max]) => [key, range(min, max)]));
  const missing = kafkaApis.filter(([key]) => !byKey.has(key));
  const isOwn = ({ key }) => key >= OWN_KEYS_MIN;
  return `${GENERATED}

# API coverage

What a broker answers, by Kafka's API keys; ApiVersions tells clients the same. A request of any other API or version closes
the connection, as Kafka does.

${table(
  ['key', 'API', 'versions', 'Kafka 4.2', 'notes'],
  served
    .filter((it) => !isOwn(it))
    .map(({ key, name, versions: [min, max], advertisedMin, notes }) => [
      key,
      name,
      range(min, max),
      kafka.get(key) ?? 'not for clients',
      [
        advertisedMin === undefined || advertisedMin === min
          ? ''
          : `Advertised from ${advertisedMin}.`,
        notes ?? '',
      ]
        .filter((part) => part !== '')
        .join(' '),
    ]),
)}

## Odradek's own

Requests that Kafka has no word for, in its framing, with keys far from Kafka's ([coordination.md](coordination.md)). Clients that do not know
them pass over them.

${table(
  ['key', 'API', 'versions', 'notes'],
  served
    .filter(isOwn)
    .map(({ key, name, versions: [min, max], notes }) => [key, name, range(min, max), notes]),
)}

## Not served

${table(
  ['key', 'API', 'Kafka 4.2'],
  missing.map(([key, name, min, max]) => [key, name, range(min, max)]),
)}
`;
}
