/** How the brokers of a cluster are configured: as in production, but for what is named here. */
import type { ConfigEntry } from '@odradek/broker';
import type { Chance } from '../chance.ts';
import { rackOf } from '../workload/racks.ts';
import { PEER_PORT } from './broker-node.ts';

export const machineOf = (nodeId: number): string => `b${nodeId}`;

export type ClusterSettings = Readonly<Record<string, string>>;

/** A few of them each cluster draws: what is rare at the defaults is to happen, too. */
export function clusterSettings(chance: Chance, members: readonly number[]): ClusterSettings {
  const settings: Record<string, string> = {
    'group.initial.rebalance.delay.ms': '500',
    'offsets.topic.num.partitions': '2',
    'auto.create.topics.enable': 'false',
    'num.partitions': '1',
    'log.segment.bytes': chance.pick(['1073741824', '65536', '8192']),
  };
  if (members.length === 1) return settings;
  settings['replica.lag.time.max.ms'] = chance.pick(['30000', '8000', '2000']);
  settings['broker.session.timeout.ms'] = chance.pick(['9000', '9000', '4000']);
  settings['leader.imbalance.check.interval.seconds'] = chance.pick(['300', '20']);
  if (chance.happens(0.5))
    settings['replica.selector.class'] = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';
  // Idle polls between brokers are half of all that happens at the default, and nothing depends on them.
  const lagMs = Number(settings['replica.lag.time.max.ms']);
  settings['replica.fetch.wait.max.ms'] = String(
    Math.min(chance.pick([500, 2_000, 4_000]), lagMs / 4),
  );
  settings['controller.quorum.voters'] = votersAmong(members)
    .map((id) => `${id}@${machineOf(id)}:${PEER_PORT}`)
    .join(',');
  return settings;
}

/** An odd number; who has no vote follows. */
export const votersAmong = (members: readonly number[]): readonly number[] =>
  members.slice(0, members.length - ((members.length + 1) % 2));

export function entriesFor(nodeId: number, settings: ClusterSettings): readonly ConfigEntry[] {
  const own = { 'node.id': String(nodeId), 'broker.rack': rackOf(nodeId) };
  return Object.entries({ ...settings, ...own }).map(([key, value]) => ({
    key,
    value,
    origin: 'simulator',
  }));
}
