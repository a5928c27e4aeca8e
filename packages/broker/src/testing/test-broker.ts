/**
 * A whole broker on a memory disk, and clients that speak the wire protocol to it in the same process: what stories about
 * the broker are told with. Only ports are faked. Time is real but nothing waits for it; a crash loses what was not flushed.
 */
import { MemoryDisk } from '@odradek/storage/memory';
import {
  silentLogger,
  type Clock,
  type Compression,
  type Connection,
  type ConnectionHandler,
  type Logger,
  type Random,
  type TimerHandle,
} from '@odradek/ports';
import {
  FrameReader,
  correlationIdOf,
  crc32cJs,
  decodeResponse,
  encodeRequest,
  type Body,
  type Input,
  type Message,
} from '@odradek/protocol';
import { Broker, type BrokerOptions } from '../broker.ts';

export interface TestBroker {
  readonly broker: Broker;
  readonly disk: MemoryDisk;
  connect(listenerName?: string): TestClient;
  stop(): Promise<void>;
  /** Cuts the power and starts a new broker on what the disk kept. */
  crash(): Promise<TestBroker>;
  /** Stops in order and starts again. */
  restart(): Promise<TestBroker>;
}

export interface TestClient {
  request<Request extends Message, Response extends Message>(
    api: { readonly request: Request; readonly response: Response },
    version: number,
    body: Input<Request>,
  ): Promise<Body<Response>>;
  /** Bytes as they are: for those who do not keep to the protocol. */
  sendBytes(bytes: Uint8Array): void;
  /** Whole answers, without their length. */
  readonly answers: readonly Uint8Array[];
  readonly closed: Promise<void>;
  close(): void;
}

/** A clock over the process's own, whose timers do not keep the process alive. */
export const testClock = (): Clock => ({
  wallTimeMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs) as TimerHandle,
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
});

/** mulberry32: one seed, one history. */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return { uint32, bytes: (length) => Uint8Array.from({ length }, () => uint32() & 0xff) };
};

const noCompression: Compression = {
  compress() {
    throw new Error('this test does not compress');
  },
  decompress() {
    throw new Error('this test does not decompress');
  },
};

export interface TestBrokerOptions {
  readonly config?: Readonly<Record<string, string>>;
  readonly disk?: MemoryDisk;
  readonly compression?: Compression;
  readonly logger?: Logger;
  readonly seed?: number;
  /** How often the power was cut so far. */
  readonly boots?: number;
}

export const startTestBroker = async (options: TestBrokerOptions = {}): Promise<TestBroker> => {
  const random = seededRandom(options.seed ?? 1);
  const disk = options.disk ?? new MemoryDisk({ random });
  const volume = disk.mount();
  const config = { 'group.initial.rebalance.delay.ms': '0', ...options.config };
  const brokerOptions: BrokerOptions = {
    entries: Object.entries(config).map(([key, value]) => ({ key, value, origin: 'test' })),
    volume,
    clock: testClock(),
    random,
    logger: options.logger ?? silentLogger,
    crc32c: crc32cJs,
    compression: options.compression ?? noCompression,
    bootId: `boot ${options.boots ?? 0}`,
  };
  const broker = new Broker(brokerOptions);
  await broker.recover();
  await broker.open([
    { name: 'PLAINTEXT', host: 'broker', port: 9092 },
    { name: 'WS', host: 'broker', port: 9094 },
  ]);
  const again = (cuts: number): Promise<TestBroker> =>
    startTestBroker({ ...options, disk, boots: (options.boots ?? 0) + cuts });
  return {
    broker,
    disk,
    connect: (listenerName = 'PLAINTEXT') => connect(broker, listenerName),
    async stop() {
      await broker.stop();
      await volume.close();
    },
    async crash() {
      volume.crash();
      return again(1);
    },
    async restart() {
      await broker.stop();
      await volume.close();
      return again(0);
    },
  };
};

let ports = 50_000;

const connect = (broker: Broker, listenerName: string): TestClient => {
  let handler: ConnectionHandler | undefined;
  let isClosed = false;
  let correlationId = 0;
  let onClosed: () => void = () => {};
  const closed = new Promise<void>((resolve) => (onClosed = resolve));
  const answers: Uint8Array[] = [];
  const waiting = new Map<number, (answer: Uint8Array) => void>();
  const reader = new FrameReader({
    frameBytesMax: 2 ** 30,
    onFrame(bytes) {
      const answer = bytes.slice();
      answers.push(answer);
      waiting.get(correlationIdOf(answer))?.(answer);
    },
  });
  const end = (): void => {
    if (isClosed) return;
    isClosed = true;
    handler?.onClose();
    onClosed();
  };
  ports += 1;
  const connection: Connection = {
    remoteAddress: `127.0.0.1:${ports}`,
    start: (it) => (handler = it),
    send(chunks) {
      if (!isClosed) for (const chunk of chunks) reader.push(chunk, false);
      return true;
    },
    bufferedBytes: 0,
    pause() {},
    resume() {},
    close: end,
    destroy: end,
  };
  broker.accept(connection, listenerName);
  const sendBytes = (bytes: Uint8Array): void => {
    if (!isClosed) handler?.onBytes(bytes, true);
  };
  return {
    answers,
    closed,
    close: end,
    sendBytes,
    request(api, version, body) {
      correlationId += 1;
      const id = correlationId;
      return new Promise((resolve, reject) => {
        waiting.set(id, (answer) => {
          waiting.delete(id);
          try {
            resolve(decodeResponse(api.response, version, answer).body as never);
          } catch (error) {
            reject(error);
          }
        });
        void closed.then(() => reject(new Error('the broker closed the connection')));
        const chunks = encodeRequest(api.request as Message<unknown, unknown>, version, { correlationId: id, clientId: 'test' }, body);
        sendBytes(join(chunks));
      });
    },
  };
};

export const join = (chunks: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(chunks.reduce((sum, it) => sum + it.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
};
