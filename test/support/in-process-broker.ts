/** A whole broker in this process on a folder of its own (or in memory) and free ports, as `odradek up` would start it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker, type RunningBroker } from '@odradek/node';
import { silentLogger, type Logger, type Volume } from '@odradek/ports';

export interface InProcessBroker extends RunningBroker {
  /** "127.0.0.1:49152" */
  readonly bootstrap: string;
  readonly dataDirectory: string;
  /** Stops and removes the folder. */
  dispose(): Promise<void>;
}

export interface InProcessOptions {
  readonly config?: Readonly<Record<string, string>>;
  readonly memory?: boolean;
  readonly dataDirectory?: string;
  readonly logger?: Logger;
  /** A disk that does as it is told, in the folder's place. */
  readonly openVolume?: (directory: string) => Promise<Volume>;
}

export const startInProcess = async (options: InProcessOptions = {}): Promise<InProcessBroker> => {
  const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'odradek-test-')));
  const config = {
    listeners: 'PLAINTEXT://127.0.0.1:0,WS://127.0.0.1:0',
    'log.dirs': dataDirectory,
    'group.initial.rebalance.delay.ms': '0',
    ...options.config,
  };
  const running = await startBroker({
    entries: Object.entries(config).map(([key, value]) => ({ key, value, origin: 'test' })),
    memory: options.memory ?? false,
    logger: options.logger ?? silentLogger,
    ...(options.openVolume === undefined ? {} : { openVolume: options.openVolume }),
  });
  const kafka = running.addresses.kafka!;
  return {
    ...running,
    bootstrap: `${kafka.host}:${kafka.port}`,
    dataDirectory,
    async dispose() {
      await running.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
};
