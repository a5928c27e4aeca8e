/** Brokers as processes of the command; for tests in Node, and behind the commands of those in a browser. */
import type { BrokerControl, BrokerOptions, ControlledBroker } from './broker-control.ts';
import { BrokerProcess } from './broker-process.ts';
import type { BrokerProcessOptions } from './broker-process.ts';
import { temporaryFolder } from './temporary-folder.ts';
import type { TemporaryFolder } from './temporary-folder.ts';

interface Entry {
  readonly folder: TemporaryFolder;
  readonly options: BrokerProcessOptions;
  process: BrokerProcess;
}

export interface NodeBrokerControl extends BrokerControl, AsyncDisposable {}

/** `config` goes to each of them, below what a test asks for. */
export const controlBrokers = (config: BrokerOptions['config'] = {}): NodeBrokerControl => {
  const entries = new Map<string, Entry>();
  let nextId = 0;
  const entryOf = ({ id }: ControlledBroker): Entry => {
    const entry = entries.get(id);
    if (entry === undefined) throw new Error(`there is no broker ${id} (any more)`);
    return entry;
  };
  const end = async (broker: ControlledBroker, signal: NodeJS.Signals): Promise<void> => {
    const { process } = entryOf(broker);
    if (!process.hasExited) await process.kill(signal);
  };
  const dispose = async (broker: ControlledBroker): Promise<void> => {
    const { folder } = entryOf(broker);
    await end(broker, 'SIGKILL');
    entries.delete(broker.id);
    await folder[Symbol.asyncDispose]();
  };

  return {
    async start(options = {}) {
      const folder = await temporaryFolder({ isInMemory: true });
      const dataDirectory = folder.path;
      const settings = { 'group.initial.rebalance.delay.ms': '0', ...config, ...options.config };
      const process = await BrokerProcess.start({ dataDirectory, config: settings });
      const { hostname, port } = new URL(process.http);
      const webSocket = { host: hostname, port: Number(port) };
      const id = String((nextId += 1));
      entries.set(id, {
        folder,
        process,
        options: {
          dataDirectory,
          config: settings,
          port: process.kafka.port,
          httpPort: webSocket.port,
        },
      });
      return { id, kafka: process.kafka, webSocket };
    },
    stop: (broker) => end(broker, 'SIGTERM'),
    kill: (broker) => end(broker, 'SIGKILL'),
    async restart(broker) {
      const entry = entryOf(broker);
      entry.process = await BrokerProcess.start(entry.options);
    },
    dispose,
    async log(broker) {
      return entryOf(broker).process.stderr;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...entries.keys()].map((id) => dispose({ id } as ControlledBroker)));
    },
  };
};
