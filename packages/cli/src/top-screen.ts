/** Rates as tables for a terminal, and as lines for a file. */
import { formatBytes, plural } from './messages.ts';
import type { Style } from './style.ts';
import { formatTable } from './table.ts';
import type { Rates } from './top-rates.ts';

const TOPICS_SHOWN_MAX = 20;
const GROUPS_SHOWN_MAX = 10;

export function screenOfRates(rates: Rates, time: string, { bold, dim }: Style): string {
  const { topics, groups, brokers } = rates;
  const total = topics.reduce((sum, { recordsPerSecond }) => sum + recordsPerSecond, 0);
  const parts = [
    `${bold('odradek top')}  ${time}  ${plural(brokers.length, 'broker')}, ${plural(topics.length, 'topic')}, ${plural(groups.length, 'group')}, ${number(total)} records/s  ${dim('Ctrl-C ends')}\n`,
    formatTable(
      ['BROKER', 'ADDRESS', 'REQUESTS/S', 'IN/S', 'OUT/S', 'CONNECTIONS'],
      brokers.map((broker) => [
        broker.nodeId,
        broker.address,
        number(broker.requestsPerSecond),
        bytes(broker.bytesInPerSecond),
        bytes(broker.bytesOutPerSecond),
        broker.connections ?? '-',
      ]),
      bold,
    ),
    formatTable(
      ['TOPIC', 'PARTITIONS', 'RECORDS/S', 'BYTES/S', 'SIZE'],
      topics
        .slice(0, TOPICS_SHOWN_MAX)
        .map((topic) => [
          topic.name,
          topic.partitions,
          number(topic.recordsPerSecond),
          bytes(topic.bytesPerSecond),
          bytes(topic.sizeBytes),
        ]),
      bold,
    ),
  ];
  if (groups.length > 0)
    parts.push(
      formatTable(
        ['GROUP', 'STATE', 'LAG', 'RECORDS/S'],
        groups
          .slice(0, GROUPS_SHOWN_MAX)
          .map((group) => [group.name, group.state, group.lag, number(group.recordsPerSecond)]),
        bold,
      ),
    );
  return parts.join('\n');
}

/** One thing a line, its kind first: what awk wants. */
export function linesOfRates({ topics, groups, brokers }: Rates, time: string): string {
  const lines = [
    ...brokers.map(
      (broker) =>
        `broker ${broker.nodeId} requests/s=${number(broker.requestsPerSecond)} in/s=${whole(broker.bytesInPerSecond)} out/s=${whole(broker.bytesOutPerSecond)} connections=${broker.connections ?? '-'}`,
    ),
    ...topics.map(
      (topic) =>
        `topic ${topic.name} records/s=${number(topic.recordsPerSecond)} bytes/s=${whole(topic.bytesPerSecond)} size=${topic.sizeBytes ?? '-'}`,
    ),
    ...groups.map(
      (group) =>
        `group ${group.name} state=${group.state} lag=${group.lag} records/s=${number(group.recordsPerSecond)}`,
    ),
  ];
  return lines.map((line) => `${time} ${line}\n`).join('');
}

const number = (value: number | null): string =>
  value === null ? '-' : value >= 100 ? value.toFixed(0) : value.toFixed(1);

const whole = (value: number | null): string => (value === null ? '-' : value.toFixed(0));

const bytes = (value: number | null): string => (value === null ? '-' : formatBytes(value));
