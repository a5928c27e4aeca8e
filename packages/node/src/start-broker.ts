/**
 * The composition root for Node: from configuration to a running broker. It opens the volume, hands the broker its ports,
 * opens a listener for each line of `listeners` (TCP, or HTTP with WebSocket), tells the broker where they are, and takes
 * everything apart again in the opposite order.
 */
import {
  Broker,
  formatListener,
  parseBrokerConfig,
  type AdvertisedListener,
  type BrokerConfig,
  type ListenerConfig,
} from '@odradek/broker';
import type { BufferPool, Clock, Dial, Endpoint, Listener, Logger, Volume } from '@odradek/ports';
import { createMemoryVolume } from '@odradek/storage/memory';
import { openNodeVolume } from '@odradek/storage/node';
import { listenTcp } from '@odradek/transport/tcp';
import { createNodeCompression } from '@odradek/compression/node';
import { createNodeClock, createNodeCrc32c, createNodeRandom, readBootId } from './host.ts';
import { listenHttp, PEER_PATH } from './listen-http.ts';
import { ReadBuffers } from './read-buffers.ts';
import {
  BrokerConfigError,
  type RunningBroker,
  type StartBrokerOptions,
} from './running-broker.ts';

export const startBroker = async (options: StartBrokerOptions): Promise<RunningBroker> => {
  const parsed = parseBrokerConfig(options.entries);
  const errors = parsed.problems.filter((it) => it.severity === 'error');
  if (errors.length > 0) {
    throw new BrokerConfigError(
      errors
        .map((it) => (it.origin === undefined ? it.message : `${it.message} (${it.origin})`))
        .join('\n'),
    );
  }
  for (const { message } of parsed.problems) options.logger.warn(message);
  const clock = createNodeClock();
  const random = createNodeRandom();
  const buffers = new ReadBuffers();
  const volume = options.memory
    ? createMemoryVolume({ random })
    : await (options.openVolume ?? openFolder)(dataFolder(parsed.config), buffers);
  const listeners: OpenListener[] = [];
  let broker: Broker | undefined;
  try {
    broker = new Broker({
      entries: options.entries,
      volume,
      clock,
      random,
      logger: options.logger,
      crc32c: createNodeCrc32c(),
      compression: createNodeCompression(),
      bootId: readBootId(),
      dialPeer: createPeerDial(clock),
    });
    // The others of a cluster must reach a member before it can be one: clients that come early wait.
    const recovered = broker.isMember ? undefined : await broker.recover();
    for (const listener of parsed.listeners)
      listeners.push(await open(listener, broker, clock, options.logger, buffers));
    if (recovered === undefined && broker.isMember)
      await broker.recover(listeners.map((it) => it.advertised));
    await broker.open(listeners.map((it) => it.advertised));
  } catch (error) {
    for (const { listener } of listeners) await listener.close();
    // A broker that stands and waits for listeners holds logs and timers; one that has failed is over already.
    await broker?.stop().catch(() => {});
    await volume.close();
    throw error;
  }
  return running(broker, listeners, volume);
};

/** `ws` is loaded when there is somebody to dial. */
const createPeerDial = (clock: Clock): Dial => {
  let loaded: Promise<Dial> | undefined;
  const load = async (): Promise<Dial> => {
    const { createWebSocketDial, loadNodeWebSocket } = await import('@odradek/transport/websocket');
    const WebSocket = await loadNodeWebSocket({ isUnmasked: true });
    return createWebSocketDial({ WebSocket, clock, path: PEER_PATH });
  };
  return async (endpoint, signal) => (await (loaded ??= load()))(endpoint, signal);
};

const openFolder = (directory: string, buffers: BufferPool): Promise<Volume> =>
  openNodeVolume({ directory, buffers });

interface OpenListener {
  readonly config: ListenerConfig;
  readonly listener: Listener;
  readonly advertised: AdvertisedListener;
}

const open = async (
  config: ListenerConfig,
  broker: Broker,
  clock: Clock,
  logger: Logger,
  buffers: BufferPool,
): Promise<OpenListener> => {
  const settings = broker.settings.broker;
  const host = config.host === '' ? undefined : config.host;
  const listener =
    config.protocol === 'PLAINTEXT'
      ? await listenTcp({
          host: host ?? EVERY_INTERFACE,
          port: config.port,
          // The broker keeps max.connections itself, over all listeners: this is only what the process can bear.
          maxConnections: settings['max.connections'] + 1,
          onConnection: (connection) => broker.accept(connection, config.name),
          onError: (error) =>
            logger.error('a connection could not be accepted', { listener: config.name, error }),
          onRejected: (remoteAddress, reason) =>
            logger.warn(`connection refused: ${reason}`, { remoteAddress }),
          onSent: (chunk) => buffers.giveBack(chunk),
          portOption: '--port',
        })
      : await listenHttp({ config, host: host ?? EVERY_INTERFACE, broker, clock, logger });
  return { config, listener, advertised: advertisedAs(config, listener.address) };
};

const EVERY_INTERFACE = '0.0.0.0';

/** What clients are told: what the configuration says, or else where it really listens. */
const advertisedAs = (
  { name, host, advertised }: ListenerConfig,
  address: Endpoint,
): AdvertisedListener =>
  advertised !== undefined
    ? { name, host: advertised.host, port: advertised.port }
    : { name, host: isWildcard(host) ? 'localhost' : host, port: address.port };

const isWildcard = (host: string): boolean => host === '' || host === '0.0.0.0' || host === '::';

/** One folder: Kafka's list may name several, of which this version takes one. */
const dataFolder = (config: BrokerConfig): string => {
  const named = config['log.dirs'];
  const directories = named.length > 0 ? named : config['log.dir'];
  if (directories.length !== 1) {
    throw new BrokerConfigError(
      `log.dirs names ${directories.length} folders: this version keeps its data in one`,
    );
  }
  return directories[0]!;
};

const running = (
  broker: Broker,
  listeners: readonly OpenListener[],
  volume: Volume,
): RunningBroker => {
  const tcp = listeners.find((it) => it.config.protocol === 'PLAINTEXT');
  const http = listeners.find((it) => it.config.protocol === 'WS');
  const closeAll = async (): Promise<void> => {
    await Promise.all(listeners.map((it) => it.listener.close()));
    await volume.close();
  };
  const stopped = broker.stopped.then(closeAll, async (error: unknown) => {
    await closeAll();
    throw error;
  });
  // Whoever cares asks for `stopped`; a failure nobody asked about is in the log already.
  stopped.catch(() => {});
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await broker.stop();
    await stopped;
  };
  return {
    addresses: {
      kafka: tcp?.listener.address,
      http: http?.listener.address,
      websocket:
        http &&
        `ws://${formatListener({ name: 'x', ...http.listener.address }).slice('x://'.length)}/kafka`,
    },
    dataLocation: volume.traits.location,
    nodeId: broker.nodeId,
    clusterId: broker.clusterId,
    stop: () => (stopping ??= stop()),
    stopped,
  };
};
