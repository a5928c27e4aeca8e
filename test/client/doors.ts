/** The two ways into a broker, and clients that come in by each: the same tests run through both. */
import { Cluster } from '@odradek/client';
import type { ClientHost, ClusterOptions } from '@odradek/client';
import { createClientHost, createNodeClock } from '@odradek/node';
import type { Endpoint } from '@odradek/ports';
import { createWebSocketDial } from '@odradek/transport/websocket-client';
import { loadNodeWebSocket } from '@odradek/transport/websocket';
import type { InProcessBroker } from '../support/in-process-broker.ts';

export interface Door {
  readonly name: 'TCP' | 'WebSocket';
  open(broker: InProcessBroker, options?: Partial<ClusterOptions>): Promise<Cluster>;
}

const open = (host: ClientHost, endpoint: Endpoint, options: Partial<ClusterOptions>): Cluster =>
  new Cluster(host, { bootstrap: [endpoint], ...options });

export const doors: readonly Door[] = [
  {
    name: 'TCP',
    open: (broker, options = {}) =>
      Promise.resolve(open(createClientHost(), broker.addresses.kafka!, options)),
  },
  {
    name: 'WebSocket',
    async open(broker, options = {}) {
      const dial = createWebSocketDial({
        WebSocket: await loadNodeWebSocket(),
        clock: createNodeClock(),
      });
      return open({ ...createClientHost(), dial }, broker.addresses.http!, options);
    },
  },
];
