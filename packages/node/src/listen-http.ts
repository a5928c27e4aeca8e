/** A listener of protocol WS: an HTTP server that answers for health and metrics, and turns /kafka into Kafka's byte stream. */
import type { Broker, ListenerConfig } from '@odradek/broker';
import type { Clock, Listener, Logger } from '@odradek/ports';
import { createWebSocketAcceptor } from '@odradek/transport/websocket';
import { createHttpServer } from './http.ts';
import { createBrokerRoutes } from './routes.ts';

export const KAFKA_PATH = '/kafka';

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
  const acceptor = createWebSocketAcceptor({
    path: KAFKA_PATH,
    allowedOrigins: settings['odradek.websocket.allowed.origins'],
    boundHost: host,
    allowedHosts,
    maxPayloadBytes: Math.min(
      settings['socket.request.max.bytes'] + FRAME_LENGTH_BYTES,
      MESSAGE_BYTES_MAX,
    ),
    maxConnections: settings['max.connections'] + 1,
    clock,
    onConnection: (connection) => broker.accept(connection, config.name),
    onRejected: (remoteAddress, reason) =>
      logger.warn(`WebSocket refused: ${reason}`, { remoteAddress }),
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
    onUpgrade: (request, socket, head) => acceptor.handleUpgrade(request, socket, head),
  });
  return {
    address: server.address,
    close() {
      acceptor.close();
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
