import type { WebSocketClass } from './client.ts';

export interface NodeWebSocketOptions {
  /** Of the request that opens it: what a proxy in between asks for. A page cannot send any. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Node 20 has no WebSocket of its own. `ws`, without deflate: record batches are compressed already, where it pays. */
export async function loadNodeWebSocket({
  headers = {},
}: NodeWebSocketOptions = {}): Promise<WebSocketClass> {
  const { WebSocket } = await import('ws');
  class NodeWebSocket extends WebSocket {
    constructor(url: string, protocols: string[] = []) {
      super(url, protocols, { perMessageDeflate: false, headers });
    }
  }
  return NodeWebSocket as unknown as WebSocketClass;
}
