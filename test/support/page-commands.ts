/** The Node side of the tests in a browser: what a page may ask for. Brokers that a page leaves behind end with the run. */
import { build } from 'esbuild';
import type { BrowserCommand } from 'vitest/node';
import type { BrokerOptions, ControlledBroker } from './broker-control.ts';
import { controlBrokers } from './broker-control-node.ts';

const brokers = controlBrokers();

const command =
  <Args extends unknown[], Out>(work: (...args: Args) => Promise<Out>): BrowserCommand<Args> =>
  (_, ...args) =>
    work(...args);

export const brokerCommands = {
  /** A page is let in by its origin, which it has to tell: the test server's port is any free one. */
  startBroker: command((origin: string, { config = {} }: BrokerOptions) =>
    brokers.start({ config: { 'odradek.websocket.allowed.origins': origin, ...config } }),
  ),
  stopBroker: command((broker: ControlledBroker) => brokers.stop(broker)),
  killBroker: command((broker: ControlledBroker) => brokers.kill(broker)),
  restartBroker: command((broker: ControlledBroker) => brokers.restart(broker)),
  disposeBroker: command((broker: ControlledBroker) => brokers.dispose(broker)),
  /** A worker's program in one piece, since module by module it is served for seconds: and each worker loads it anew. */
  bundleWorker: command(async (path: string) => {
    const { outputFiles } = await build({
      entryPoints: [path],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      write: false,
    });
    return outputFiles[0]!.text;
  }),
  readBrokerLog: command((broker: ControlledBroker) => brokers.log(broker)),
};
