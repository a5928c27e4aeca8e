/**
 * A way into a broker for a client that runs where the suite runs: Node over TCP or WebSocket, a page over WebSocket, or any of them with another
 * broker behind it. The suite is written once, as functions of a World that a Door opens, and names nothing of Node.
 */
import type { ClientHost } from '@odradek/client';
import type { Endpoint } from '@odradek/ports';
import type { BrokerControl, ControlledBroker } from '../../support/broker-control.ts';

export interface Door {
  /** "TCP", "WebSocket in Chromium" */
  readonly name: string;
  readonly brokers: BrokerControl;
  /** What a client here stands on. */
  host(): ClientHost;
  /** Which of a broker's addresses this way leads to. */
  endpointOf(broker: ControlledBroker): Endpoint;
  /** What cannot be asked of every broker. */
  readonly broker?: {
    /** Of the product; 'odradek' when left out. */
    readonly product: 'odradek' | 'kafka';
    /** Writes [value, committed or aborted] records of one partition, each in a transaction of its own. */
    writeTransactions?(
      topic: string,
      values: readonly (readonly [string, boolean])[],
    ): Promise<void>;
  };
}
