/** A listener of protocol WS: an HTTP server that answers for health and metrics, and turns /kafka into Kafka's byte stream. */
import type { Broker, ListenerConfig } from '@odradek/broker';
import type { Clock, Listener, Logger } from '@odradek/ports';
import { createWebSocketAcceptor } from '@odradek/transport/websocket';
import { createHttpServer } from './http.ts';
import { createBrokerRoutes } from './routes.ts';

export const KAFKA_PATH = '/kafka';
/** Where members of a cluster reach one another. */
export const PEER_PATH = '/peer';

export const listenHttp = async (options: {
  readonly config: ListenerConfig;
  readonly host: string;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<Listener> => {
  const { config, host, broker, clock, logger } = options;
  const settings = broker.settings.broker;
  const allowedHosts = config.advertised === undefined ? [] : [config.advertised.host];
  const shared = {
    boundHost: host,
    allowedHosts,
    clock,
    onRejected: (remoteAddress: string, reason: string) =>
      logger.warn(`WebSocket refused: ${reason}`, { remoteAddress }),
  };
  const acceptor = createWebSocketAcceptor({
    ...shared,
    path: KAFKA_PATH,
    allowedOrigins: settings['odradek.websocket.allowed.origins'],
    maxPayloadBytes: Math.min(
      settings['socket.request.max.bytes'] + FRAME_LENGTH_BYTES,
      MESSAGE_BYTES_MAX,
    ),
    maxConnections: settings['max.connections'] + 1,
    onConnection: (connection) => broker.accept(connection, config.name),
  });
  const peerAcceptor = createWebSocketAcceptor({
    ...shared,
    path: PEER_PATH,
    // No page is a member: those come with an Origin.
    allowedOrigins: [],
    maxPayloadBytes: MESSAGE_BYTES_MAX,
    onConnection: (connection) => broker.acceptPeer(connection),
  });
  const server = await createHttpServer({
    host,
    port: config.port,
    allowedHosts,
    logger,
    routes: createBrokerRoutes({
      live: () => ({ isHealthy: broker.state !== 'failed', details: aboutBroker(broker) }),
      ready: () => ({
        isHealthy: broker.isReady,
        details: { ...aboutBroker(broker), problems: broker.problems() },
      }),
      metrics: () => broker.metrics(),
    }),
    onUpgrade: (request, socket, head) => {
      const isPeer = request.url?.split('?', 1)[0] === PEER_PATH;
      (isPeer ? peerAcceptor : acceptor).handleUpgrade(request, socket, head);
    },
  });
  return {
    address: server.address,
    close() {
      acceptor.close();
      peerAcceptor.close();
      return server.close();
    },
  };
};

const aboutBroker = (broker: Broker): Readonly<Record<string, unknown>> => ({
  nodeId: broker.nodeId,
  clusterId: broker.clusterId,
  state: broker.state,
});

const FRAME_LENGTH_BYTES = 4;
/** What `ws` can count. */
const MESSAGE_BYTES_MAX = 2 ** 31 - 1;
