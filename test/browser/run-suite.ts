/**
 * How a suite runs in a real Chromium. A test file here (test/browser/*.test.ts) is loaded into a page by vitest's browser mode (the project
 * "browser" of vitest.config.ts): `describe`, `it` and `expect` are those of vitest, imports are served by vite from the sources, and a
 * failure is told like any other. The page has nothing of Node; brokers are processes that the Node side starts when the page asks.
 *
 * To add a suite: write it as functions of a `Door` that name nothing of Node, and call them here, in a file of three lines:
 *
 *     import { producing } from '../client/suite/producing.ts';
 *     import { pageDoor } from './run-suite.ts';
 *
 *     producing(pageDoor);
 *
 * Run with `npx vitest run --project browser`; the command must be built (`npm run build`). A page may not read files: what it needs is
 * imported, or asked for by a command of ../support/page-commands.ts.
 */
import type { ClientHost } from '@odradek/client';
import type { Endpoint } from '@odradek/ports';
import { createBrowserClientHost } from '@odradek/web';
import { commands } from 'vitest/browser';
import type { BrokerControl, BrokerOptions, ControlledBroker } from '../support/broker-control.ts';

/** A way into a broker, for a client that runs where the suite runs. */
export interface Door {
  readonly name: string;
  readonly brokers: BrokerControl;
  /** What a client here stands on. */
  host(): ClientHost;
  /** Which of a broker's addresses this way leads to. */
  endpointOf(broker: ControlledBroker): Endpoint;
}

const brokers: BrokerControl = {
  start: (options: BrokerOptions = {}) => commands.startBroker(location.origin, options),
  stop: (broker) => commands.stopBroker(broker),
  kill: (broker) => commands.killBroker(broker),
  restart: (broker) => commands.restartBroker(broker),
  dispose: (broker) => commands.disposeBroker(broker),
  log: (broker) => commands.readBrokerLog(broker),
};

const zstdWasm = new URL(
  '../../node_modules/@bokuweb/zstd-wasm/dist/web/zstd.wasm',
  import.meta.url,
);

/** Chromium, over WebSocket. */
export const pageDoor: Door = {
  name: 'WebSocket in Chromium',
  brokers,
  host: () => createBrowserClientHost({ zstdWasm }),
  endpointOf: ({ webSocket }) => webSocket,
};

declare module 'vitest/browser' {
  interface BrowserCommands {
    startBroker(origin: string, options: BrokerOptions): Promise<ControlledBroker>;
    stopBroker(broker: ControlledBroker): Promise<void>;
    killBroker(broker: ControlledBroker): Promise<void>;
    restartBroker(broker: ControlledBroker): Promise<void>;
    disposeBroker(broker: ControlledBroker): Promise<void>;
    readBrokerLog(broker: ControlledBroker): Promise<string>;
  }
}
