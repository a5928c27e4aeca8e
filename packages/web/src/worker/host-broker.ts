/**
 * A whole broker where this code runs: in a dedicated worker, over the origin's own storage. It listens nowhere: whoever holds
 * this object hands it connections. Everything else is the broker as it is on a server.
 */
import { Broker, parseBrokerConfig, type ConfigEntry } from '@odradek/broker';
import { silentLogger, type Connection, type Logger, type Volume } from '@odradek/ports';
import { hasOpfs, openOpfsVolume } from '@odradek/storage/opfs';
import { openIndexedDbVolume } from '@odradek/storage/indexeddb';
import { createLazyCompression } from '../compression.ts';
import { createBrowserCrc32c } from '../crc32c.ts';
import { createBrowserClock, createBrowserRandom } from '../host.ts';
import { HOSTED_ENDPOINT } from './endpoint.ts';

export interface HostBrokerOptions {
  /** Of the data: another name is another broker. */
  readonly name: string;
  /** The origin private file system where it can be used, unless told otherwise. */
  readonly storage?: 'opfs' | 'indexeddb';
  /** Of IndexedDB: whether a commit waits for the disk (strict, unless told otherwise) or for the operating system alone. */
  readonly durability?: 'strict' | 'relaxed';
  /** Kafka's configuration keys, besides those that are set for browsers. */
  readonly config?: Readonly<Record<string, string>>;
  readonly logger?: Logger;
  /** Where zstd.wasm is served; fetched when zstd is first met. */
  readonly zstdWasm?: string | URL;
  /** How long another owner of the data may take to end. */
  readonly lockWaitMs?: number;
  /** Takes the data from an owner of whom the caller has made sure that he hangs. */
  readonly takeOver?: boolean;
}

export interface HostedBroker {
  /** How often this data has been hosted: whoever comes later has a higher one. */
  readonly epoch: number;
  readonly status: HostStatus;
  accept(connection: Connection): void;
  stop(): Promise<void>;
  /** Resolves when it has stopped, rejects when it had to give up. */
  readonly stopped: Promise<void>;
}

export interface HostStatus {
  /** "running", and what else a broker goes through. */
  readonly state: string;
  /** "opfs:my-app" */
  readonly location: string;
  /** What an acknowledged record survives: 'os' the end of the browser, 'disk' that of the machine too. */
  readonly durability: 'none' | 'os' | 'disk';
  /** Why it is not ready, or which partitions it cannot serve. */
  readonly problems: readonly string[];
}

/** The configuration cannot be used. The message names the keys. */
export class HostConfigError extends Error {
  override readonly name = 'HostConfigError';
}

const LISTENER = 'PLAINTEXT';
const EPOCH_FILE = 'host-epoch';

/** Where a browser differs from a server; all of it may be told otherwise. */
const BROWSER_DEFAULTS: Readonly<Record<string, string>> = {
  // Retention takes whole segments, and a tab's quota is small.
  'log.segment.bytes': String(16 * 1024 * 1024),
  // Each of the usual fifty is a log of its own, and a tab has few groups.
  'offsets.topic.num.partitions': '1',
  // Nobody starts a fleet of consumers here.
  'group.initial.rebalance.delay.ms': '0',
};

/** Opens the storage and starts the broker on it. */
export async function hostBroker(options: HostBrokerOptions): Promise<HostedBroker> {
  const entries = entriesOf(options.config ?? {});
  const volume = await openVolume(options);
  try {
    const broker = new Broker({
      entries,
      volume,
      clock: createBrowserClock(),
      random: createBrowserRandom(),
      logger: options.logger ?? silentLogger,
      crc32c: createBrowserCrc32c(),
      compression: createLazyCompression(options.zstdWasm),
    });
    const [epoch] = await Promise.all([nextEpoch(volume), broker.recover()]);
    await broker.open([{ name: LISTENER, ...HOSTED_ENDPOINT }]);
    return hosted(broker, volume, epoch);
  } catch (error) {
    await volume.close().catch(() => {});
    throw error;
  }
}

function hosted(broker: Broker, volume: Volume, epoch: number): HostedBroker {
  const stopped = broker.stopped.finally(() => volume.close());
  // Whoever cares asks for it; a failure that nobody asked about was logged.
  stopped.catch(() => {});
  return {
    epoch,
    get status() {
      return {
        state: broker.state,
        location: volume.traits.location,
        durability: volume.traits.durability,
        problems: broker.problems(),
      };
    },
    accept: (connection) => broker.accept(connection, LISTENER),
    async stop() {
      await broker.stop();
      await stopped;
    },
    stopped,
  };
}

function entriesOf(config: Readonly<Record<string, string>>): readonly ConfigEntry[] {
  const entries = Object.entries({ ...BROWSER_DEFAULTS, ...config }).map(([key, value]) => ({
    key,
    value,
    origin: 'the page',
  }));
  const errors = parseBrokerConfig(entries).problems.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return entries;
  throw new HostConfigError(errors.map(({ message }) => message).join('\n'));
}

const openVolume = ({
  name,
  storage = hasOpfs() ? 'opfs' : 'indexeddb',
  durability = 'strict',
  lockWaitMs,
  takeOver,
}: HostBrokerOptions): Promise<Volume> => {
  const owner = {
    ...(lockWaitMs !== undefined && { lockWaitMs }),
    ...(takeOver !== undefined && { takeOver }),
  };
  return storage === 'opfs'
    ? openOpfsVolume({ name, ...owner })
    : openIndexedDbVolume({ name, durability, ...owner });
};

async function nextEpoch(volume: Volume): Promise<number> {
  const known = await volume.readSmall(EPOCH_FILE);
  const epoch = known === undefined ? 1 : viewOf(known).getFloat64(0) + 1;
  const bytes = new Uint8Array(8);
  viewOf(bytes).setFloat64(0, epoch);
  await volume.replace(EPOCH_FILE, bytes);
  return epoch;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset);
