/** Brokers as a client that came by a listener may reach them: a WebSocket client is told WebSocket addresses. */
import type { NodeId } from '@odradek/protocol';
import type { BrokerNode } from '../metadata/nodes.ts';
import type { BrokerServices } from '../services.ts';

export interface BrokerAddress {
  readonly nodeId: NodeId;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export const addressOn = (broker: BrokerNode, listenerName: string): BrokerAddress | undefined => {
  const listener = broker.listeners.find((it) => it.name === listenerName);
  return listener === undefined
    ? undefined
    : { nodeId: broker.nodeId, host: listener.host, port: listener.port, rack: broker.rack };
};

/** The live brokers that have the listener. */
export const addressesOf = (broker: BrokerServices, listenerName: string): BrokerAddress[] =>
  broker.image.liveBrokers().flatMap((it) => addressOn(it, listenerName) ?? []);
