/**
 * From a page: a broker in a worker of its own, and what a client needs to speak with it. Every connection is a MessagePort; whatever
 * address the broker tells, the way leads to that worker.
 *
 *   const broker = await startBroker({ name: 'my-app' });
 *   await using bus = await connect({ host: broker.clientHost, brokers: broker.bootstrap });
 */
import {
  TransportError,
  VolumeError,
  type Connection,
  type Dial,
  type VolumeErrorKind,
} from '@odradek/ports';
import { connectPort, type MessagePortLike } from '@odradek/transport/message-port';
import type { ClientHost } from '@odradek/client';
import { transfer, wrap } from 'comlink';
import { createBrowserClientHost } from '../client-host.ts';
import type { BrokerControl, Failure, StartOptions, WorkerStatus } from './control.ts';
import { HOSTED_ENDPOINT } from './endpoint.ts';

export interface StartBrokerOptions extends StartOptions {
  /** The worker, for programs whose bundler makes it in its own way: it runs `@odradek/web/broker-worker`. */
  readonly worker?: () => Worker;
  /** Asks the browser to keep the data when it needs room. Some ask the user. Only a page may ask. */
  readonly persist?: boolean;
}

export interface StartedBroker {
  readonly clientHost: ClientHost;
  /** Where a client begins. */
  readonly bootstrap: string;
  readonly worker: Worker;
  status(): Promise<WorkerStatus>;
  /** In order: what is under way is answered, and the logs are closed. */
  stop(): Promise<void>;
  /** At once, as a crash would. */
  terminate(): void;
  /** Rejects when the broker had to give up; resolves when it was stopped or terminated. */
  readonly ended: Promise<void>;
}

/** The broker could not be started, or could not go on. */
export class HostedBrokerError extends Error {
  override readonly name = 'HostedBrokerError';
}

export async function startBroker(options: StartBrokerOptions): Promise<StartedBroker> {
  const { worker: makeWorker = defaultWorker, persist, ...start } = options;
  const worker = makeWorker();
  const control = wrap<BrokerControl>(worker);
  const connections = new Set<Connection>();
  let isOver = false;
  let tellOver!: () => void;
  const over = new Promise<void>((resolve) => (tellOver = resolve));
  const terminate = (): void => {
    if (isOver) return;
    isOver = true;
    worker.terminate();
    // A port does not say everywhere that its other end has gone.
    for (const connection of connections) connection.destroy();
    tellOver();
  };
  const broken = new Promise<Failure>((resolve) =>
    worker.addEventListener('error', ({ message }) =>
      resolve({
        name: 'Error',
        message: `the worker cannot run: ${message ?? 'its program cannot be fetched'}`,
      }),
    ),
  );
  try {
    const [failure] = await Promise.all([
      Promise.race([control.start(start), broken]),
      persist === true ? askToKeep() : undefined,
    ]);
    if (failure !== undefined) throw errorOf(failure);
  } catch (error) {
    terminate();
    throw error;
  }

  const clientHost = createBrowserClientHost();
  const dial: Dial = async () => {
    if (isOver) throw new TransportError('The broker’s worker has ended.');
    const { port1, port2 } = new MessageChannel();
    const connection = connectPort(port1 as unknown as MessagePortLike, {
      clock: clientHost.clock,
      remoteAddress: `${HOSTED_ENDPOINT.host}:${HOSTED_ENDPOINT.port}`,
    });
    connections.add(connection);
    await control.connect(transfer(port2, [port2]), 'page');
    return forgetting(connection, connections);
  };
  const ended = Promise.race([
    over,
    Promise.race([control.ended(), broken]).then((failure) => {
      terminate();
      if (failure !== undefined) throw errorOf(failure);
    }),
  ]);
  ended.catch(() => {});
  return {
    clientHost: { ...clientHost, dial },
    bootstrap: `${HOSTED_ENDPOINT.host}:${HOSTED_ENDPOINT.port}`,
    worker,
    async status() {
      const status = isOver ? undefined : await Promise.race([control.status(), over]);
      if (status === undefined) throw new HostedBrokerError('the broker’s worker has ended');
      return status;
    },
    async stop() {
      if (isOver) return;
      const failure = await Promise.race([control.stop(), over]);
      terminate();
      if (failure !== undefined) throw errorOf(failure as Failure);
    },
    terminate,
    ended,
  };
}

const defaultWorker = (): Worker =>
  new Worker(new URL('./broker.worker.ts', import.meta.url), { type: 'module' });

/** Best effort: a browser that refuses keeps the data as long as it has room. */
async function askToKeep(): Promise<void> {
  const { storage } = navigator as unknown as { storage: { persist?(): Promise<boolean> } };
  await storage.persist?.().catch(() => false);
}

function errorOf({ name, kind, message }: Failure): Error {
  return name === 'VolumeError'
    ? new VolumeError(kind as VolumeErrorKind, message)
    : new HostedBrokerError(message);
}

/** The same connection, forgotten when it is closed. */
function forgetting(connection: Connection, connections: Set<Connection>): Connection {
  const start = connection.start.bind(connection);
  connection.start = (handler) =>
    start({
      onBytes: (chunk, owned) => handler.onBytes(chunk, owned),
      onDrain: () => handler.onDrain(),
      onClose: (cause) => {
        connections.delete(connection);
        handler.onClose(cause);
      },
    });
  return connection;
}
