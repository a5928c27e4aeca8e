import type { ClientHost } from '@odradek/client';
import { createNodeCompression } from '@odradek/compression/node';
import { createTcpDial } from '@odradek/transport/tcp';
import { createNodeClock, createNodeCrc32c, createNodeRandom } from './host.ts';

/** What a client in Node stands on: TCP, and the ports of a broker's host. */
export function createClientHost(): ClientHost {
  return {
    dial: createTcpDial(),
    clock: createNodeClock(),
    random: createNodeRandom(),
    compression: createNodeCompression(),
    crc32c: createNodeCrc32c(),
  };
}

export interface WebSocketHostOptions {
  /** "/kafka" */
  readonly path?: string;
  /** wss: */
  readonly secure?: boolean;
}

/** The same over WebSocket, as a page would reach the broker. */
export async function createWebSocketClientHost(
  options: WebSocketHostOptions = {},
): Promise<ClientHost> {
  const { createWebSocketDial, loadNodeWebSocket } = await import('@odradek/transport/websocket');
  const host = createClientHost();
  const WebSocket = await loadNodeWebSocket();
  return { ...host, dial: createWebSocketDial({ WebSocket, clock: host.clock, ...options }) };
}
