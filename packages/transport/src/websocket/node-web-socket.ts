import type { WebSocketClass } from './client.ts';

/** Node 20 has no WebSocket of its own. `ws`, without deflate: record batches are compressed already, where it pays. */
export async function loadNodeWebSocket(): Promise<WebSocketClass> {
  const { WebSocket } = await import('ws');
  class NodeWebSocket extends WebSocket {
    constructor(url: string, protocols: string[] = []) {
      super(url, protocols, { perMessageDeflate: false });
    }
  }
  return NodeWebSocket as unknown as WebSocketClass;
}
