/**
 * A whole broker on a memory disk: what stories about the broker are told with. Only ports are faked. Time is real unless a
 * clock is given, but nothing waits for it; a crash loses what was not flushed.
 */
import { MemoryDisk, type MemoryVolume } from '@odradek/storage/memory';
import {
  silentLogger,
  type Clock,
  type Compression,
  type Logger,
  type Random,
  type TimerHandle,
} from '@odradek/ports';
import { crc32cJs } from '@odradek/protocol';
import { Broker } from '../broker.ts';
import { connectTo, type TestClient } from './loopback.ts';

export { join, type TestClient } from './loopback.ts';

export interface TestBroker {
  readonly broker: Broker;
  readonly disk: MemoryDisk;
  readonly volume: MemoryVolume;
  connect(listenerName?: string, host?: string): TestClient;
  stop(): Promise<void>;
  /** Cuts the power and starts a new broker on what the disk kept. */
  crash(): Promise<TestBroker>;
  /** Stops in order and starts again. */
  restart(): Promise<TestBroker>;
}

/** A clock over the process's own. */
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
  readonly clock?: Clock;
  readonly seed?: number;
  /** How often the power was cut so far. */
  readonly boots?: number;
}

/** Where its listeners are, as far as clients are told. */
export const LISTENERS = [
  { name: 'PLAINTEXT', host: 'broker', port: 9092 },
  { name: 'WS', host: 'broker', port: 9094 },
];

/** A broker that has not begun. */
export const prepareTestBroker = (options: TestBrokerOptions = {}): TestBroker => {
  const random = seededRandom(options.seed ?? 1);
  const disk = options.disk ?? new MemoryDisk({ random });
  const volume = disk.mount();
  const config = { 'group.initial.rebalance.delay.ms': '0', ...options.config };
  const broker = new Broker({
    entries: Object.entries(config).map(([key, value]) => ({ key, value, origin: 'test' })),
    volume,
    clock: options.clock ?? testClock(),
    random,
    logger: options.logger ?? silentLogger,
    crc32c: crc32cJs,
    compression: options.compression ?? noCompression,
    bootId: `boot ${options.boots ?? 0}`,
  });
  const again = (cuts: number): Promise<TestBroker> =>
    startTestBroker({ ...options, disk, boots: (options.boots ?? 0) + cuts });
  const stop = async (): Promise<void> => {
    await broker.stop();
    await volume.close();
  };
  return {
    broker,
    disk,
    volume,
    connect: (listenerName = 'PLAINTEXT', host) =>
      connectTo((connection) => broker.accept(connection, listenerName), host),
    stop,
    async crash() {
      volume.crash();
      return again(1);
    },
    async restart() {
      await stop();
      return again(0);
    },
  };
};

export const startTestBroker = async (options: TestBrokerOptions = {}): Promise<TestBroker> => {
  const prepared = prepareTestBroker(options);
  await prepared.broker.recover();
  await prepared.broker.open(LISTENERS);
  return prepared;
};
