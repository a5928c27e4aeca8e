/** An open client that is closed afterwards. */
import { Cluster } from '@odradek/client';
import { parseBrokers } from './brokers.ts';
import { resolveSettings } from './settings.ts';
import type { ConnectOptions } from './settings.ts';
import { UsageError } from './world.ts';
import type { World } from './world.ts';

const CLIENT_ID = 'odradek-cli';

/** Fails at once when no broker can be reached: a person is waiting. */
export async function withCluster<T>(
  world: World,
  options: ConnectOptions,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const open = await opener(world, options);
  const cluster = open();
  try {
    await cluster.metadata({ topics: [] });
    return await work(cluster);
  } finally {
    cluster.close();
  }
}

/** Makes clients, each with connections of its own; whoever opens one closes it. */
export async function opener(
  world: World,
  options: ConnectOptions,
): Promise<(clientId?: string) => Cluster> {
  const { brokers, timeout } = await resolveSettings(world, options);
  const { link, endpoints } = parseBrokers(brokers.value);
  const timeoutMs = Number(timeout.value) * 1000;
  if (!(timeoutMs > 0))
    throw new UsageError(`${timeout.origin}: ${timeout.value} is not a number of seconds`);
  const host = await world.clientHost(link);
  return (clientId = CLIENT_ID) =>
    new Cluster(host, {
      bootstrap: endpoints,
      clientId,
      requestTimeoutMs: timeoutMs,
      retry: { timeoutMs },
    });
}
