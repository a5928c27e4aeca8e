/** What a started broker says: where it is, and lines to paste. */
import type { Endpoint } from '@odradek/ports';
import type { RunningBroker } from '@odradek/node';
import type { World } from './world.ts';

export function banner(broker: RunningBroker, world: World): string {
  const { kafka, http, websocket } = broker.addresses;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Kafka', kafka && format(reachable(kafka))],
    ['WebSocket', websocket],
    ['HTTP', http && `http://${format(reachable(http))}  (/metrics /healthz /readyz)`],
    [
      'Data',
      broker.dataLocation === 'memory'
        ? 'in memory: gone when the broker stops'
        : broker.dataLocation,
    ],
  ];
  const places = rows.flatMap(([name, place]) =>
    place === undefined ? [] : [`  ${name.padEnd(11)}${place}`],
  );
  const lines = toPaste(kafka && format(reachable(kafka)), websocket).map((line) => `  ${line}`);
  return `\nodradek ${world.version} is up in ${Math.round(world.monotonicMs())} ms\n\n${places.join('\n')}\n\nTry:\n${lines.join('\n')}\n\n`;
}

/** For programs that start a broker: one object. */
export const describe = ({
  addresses,
  dataLocation,
  nodeId,
  clusterId,
}: RunningBroker): object => ({
  kafka: addresses.kafka && format(reachable(addresses.kafka)),
  http: addresses.http && `http://${format(reachable(addresses.http))}`,
  websocket: addresses.websocket,
  data: dataLocation,
  nodeId,
  clusterId,
  pid: process.pid,
});

function toPaste(kafka: string | undefined, websocket: string | undefined): readonly string[] {
  const page =
    websocket === undefined
      ? []
      : [`new WebSocket('${websocket}').onopen = () => console.log('this page reaches Kafka')`];
  if (kafka === undefined) return page;
  const brokers = kafka === '127.0.0.1:9092' ? '' : ` -b ${kafka}`;
  return [
    `echo hello | kcat -b ${kafka} -P -t greetings`,
    `npx odradek tail greetings${brokers}`,
    ...page,
  ];
}

const format = ({ host, port }: Endpoint): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Every interface is no address that one could paste. */
const reachable = ({ host, port }: Endpoint): Endpoint => ({
  host: ['', '0.0.0.0', '::'].includes(host) ? 'localhost' : host,
  port,
});
