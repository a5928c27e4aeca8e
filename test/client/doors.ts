/** The ways into a broker from Node. */
import { createClientHost, createWebSocketClientHost } from '@odradek/node';
import { controlBrokers } from '../support/broker-control-node.ts';
import type { Door } from './suite/index.ts';

export const tcpDoor = (): Door => ({
  name: 'TCP',
  brokers: controlBrokers(),
  host: createClientHost,
  endpointOf: ({ kafka }) => kafka,
});

export const webSocketDoor = async (): Promise<Door> => {
  const host = await createWebSocketClientHost();
  return {
    name: 'WebSocket',
    brokers: controlBrokers(),
    host: () => host,
    endpointOf: ({ webSocket }) => webSocket,
  };
};
