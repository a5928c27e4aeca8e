/**
 * Brokers as a test controls them from wherever it runs: in Node, or in a page that asks the Node side (test/browser). Everything that
 * crosses is plain data, and nothing of Node is named here.
 */
import type { Endpoint } from '@odradek/ports';

export interface BrokerOptions {
  /** Kafka's keys. */
  readonly config?: Readonly<Record<string, string>>;
}

/** A broker process that is up, or was. */
export interface ControlledBroker {
  readonly id: string;
  /** Over TCP. */
  readonly kafka: Endpoint;
  /** Over WebSocket, at /kafka. */
  readonly webSocket: Endpoint;
}

export interface BrokerControl {
  /** On a folder of its own and free ports. */
  start(options?: BrokerOptions): Promise<ControlledBroker>;
  /** Orderly: SIGTERM, and waits for the end. */
  stop(broker: ControlledBroker): Promise<void>;
  /** SIGKILL, and waits for the end. */
  kill(broker: ControlledBroker): Promise<void>;
  /** The broker that was stopped or killed, again: same folder, same ports. */
  restart(broker: ControlledBroker): Promise<void>;
  /** Ends it and removes its folder. */
  dispose(broker: ControlledBroker): Promise<void>;
  /** What it has written to its log, as lines of JSON. */
  log(broker: ControlledBroker): Promise<string>;
}
