/** What a started cluster says: where each broker is, and lines to paste. */
import { formatTable } from './table.ts';
import type { World } from './world.ts';

/** As a broker tells programs (banner.ts). */
export interface Started {
  readonly nodeId: number;
  readonly kafka: string;
  readonly http: string;
  readonly websocket: string;
  readonly data: string;
  readonly clusterId: string;
  readonly pid: number;
}

const REPLICAS_MAX = 3;

export function clusterBanner(started: readonly Started[], world: World, tookMs: number): string {
  const table = formatTable(
    ['BROKER', 'KAFKA', 'HTTP', 'DATA', 'PID'],
    started.map(({ nodeId, kafka, http, data, pid }) => [nodeId, kafka, http, data, pid]),
  );
  const brokers = started.map(({ kafka }) => kafka).join(',');
  const lines = [
    `npx odradek topic create orders -p 3 -r ${Math.min(REPLICAS_MAX, started.length)} -b ${brokers}`,
    `echo hello | kcat -b ${brokers} -P -t orders -X acks=all`,
    `npx odradek cluster -b ${brokers}`,
  ];
  return `\nodradek ${world.version}: ${started.length} brokers are up in ${Math.round(tookMs)} ms\n\n${indent(table)}\nTry:\n${indent(`${lines.join('\n')}\n`)}\n`;
}

/** For programs that start a cluster: one object. */
export const describeCluster = (started: readonly Started[]): object => ({
  clusterId: started[0]?.clusterId,
  kafka: started.map(({ kafka }) => kafka).join(','),
  brokers: started,
  pid: process.pid,
});

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');
