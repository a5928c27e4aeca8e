/** What changed between two looks, by second. What was not there before, or counts anew since a restart, has no rate yet. */
import type { BrokerMetrics, Sample } from './top-sample.ts';

export interface Rates {
  readonly seconds: number;
  /** The busiest first, as all lists here. */
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: number;
    readonly recordsPerSecond: number;
    readonly bytesPerSecond: number | null;
    readonly sizeBytes: number | null;
  }[];
  readonly groups: readonly {
    readonly name: string;
    readonly state: string;
    readonly lag: number;
    readonly recordsPerSecond: number;
  }[];
  readonly brokers: readonly {
    readonly nodeId: number;
    readonly address: string;
    readonly requestsPerSecond: number | null;
    readonly bytesInPerSecond: number | null;
    readonly bytesOutPerSecond: number | null;
    readonly connections: number | null;
  }[];
}

export function ratesBetween(before: Sample, now: Sample): Rates {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000);
  const perSecond = (was: number | undefined, is: number): number =>
    was === undefined ? 0 : Math.max(0, is - was) / seconds;
  const topics = new Map(before.topics.map((each) => [each.name, each]));
  const groups = new Map(before.groups.map((each) => [each.name, each]));
  const brokers = new Map(before.brokers.map((each) => [each.nodeId, each.metrics]));
  return {
    seconds,
    topics: now.topics
      .map(({ name, partitions, endOffsets, sizeBytes }) => ({
        name,
        partitions,
        recordsPerSecond: perSecond(topics.get(name)?.endOffsets, endOffsets),
        bytesPerSecond:
          sizeBytes === undefined ? null : perSecond(topics.get(name)?.sizeBytes, sizeBytes),
        sizeBytes: sizeBytes ?? null,
      }))
      .sort((a, b) => b.recordsPerSecond - a.recordsPerSecond || (a.name < b.name ? -1 : 1)),
    groups: now.groups
      .map(({ name, state, lag, committed }) => ({
        name,
        state,
        lag,
        recordsPerSecond: perSecond(groups.get(name)?.committed, committed),
      }))
      .sort((a, b) => b.lag - a.lag || (a.name < b.name ? -1 : 1)),
    brokers: now.brokers.map(({ nodeId, address, metrics }) => {
      const was = brokers.get(nodeId);
      const rate = (of: (metrics: BrokerMetrics) => number): number | null =>
        metrics === undefined || was === undefined ? null : perSecond(of(was), of(metrics));
      return {
        nodeId,
        address,
        requestsPerSecond: rate(({ requests }) => requests),
        bytesInPerSecond: rate(({ bytesIn }) => bytesIn),
        bytesOutPerSecond: rate(({ bytesOut }) => bytesOut),
        connections: metrics?.connections ?? null,
      };
    }),
  };
}
