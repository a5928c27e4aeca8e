import { kafkaApis } from './kafka-apis.mjs';
import { GENERATED, table } from './markdown.mjs';

/** docs/api-coverage.md: what ApiVersions advertises, beside what Kafka 4.2 does. */
export function apiCoverage(handlers) {
  const byKey = new Map(handlers.map((handler) => [handler.key, handler]));
  const served = [...handlers].sort((a, b) => a.key - b.key);
  const range = (min, max) => (min === max ? `${min}` : `${min}–${max}`);
  const kafka = new Map(kafkaApis.map(([key, , min, max]) => [key, range(min, max)]));
  const missing = kafkaApis.filter(([key]) => !byKey.has(key));
  return `${GENERATED}

# API coverage

What a broker answers, by Kafka's API keys; ApiVersions tells clients the same. A request of any other API or version closes
the connection, as Kafka does.

${table(
  ['key', 'API', 'versions', 'Kafka 4.2', 'notes'],
  served.map(({ key, name, versions: [min, max], advertisedMin, notes }) => [
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

## Not served

${table(
  ['key', 'API', 'Kafka 4.2'],
  missing.map(([key, name, min, max]) => [key, name, range(min, max)]),
)}
`;
}
