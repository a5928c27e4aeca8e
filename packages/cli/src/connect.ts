/** An open client that is closed afterwards. */
import { Cluster } from '@odradek/client';
import type { Endpoint } from '@odradek/ports';
import { PORT_DEFAULT } from './connect-options.ts';
import type { ConnectOptions } from './connect-options.ts';
import { UsageError } from './world.ts';
import type { World } from './world.ts';

const PORT_MAX = 65_535;

/** Fails at once when no broker can be reached: a person is waiting. */
export async function withCluster<T>(
  world: World,
  { brokers, timeout }: ConnectOptions,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const timeoutMs = timeout * 1000;
  const cluster = new Cluster(await world.clientHost(), {
    bootstrap: parseBrokers(brokers),
    clientId: 'odradek-cli',
    requestTimeoutMs: timeoutMs,
    retry: { timeoutMs },
  });
  try {
    await cluster.metadata({ topics: [] });
    return await work(cluster);
  } finally {
    cluster.close();
  }
}

export function parseBrokers(text: string): readonly Endpoint[] {
  return text.split(',').map((part) => {
    const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:/[\]]+))(?::(\d{1,5}))?$/.exec(part.trim());
    const port = Number(match?.[3] ?? PORT_DEFAULT);
    if (match === null || port > PORT_MAX)
      throw new UsageError(`${JSON.stringify(part)} is not host:port`);
    return { host: match[1] ?? match[2] ?? '', port };
  });
}
