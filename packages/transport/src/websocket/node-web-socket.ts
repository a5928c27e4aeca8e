import type { WebSocketClass } from './client.ts';

export interface NodeWebSocketOptions {
  /** Of the request that opens it: what a proxy in between asks for. A page cannot send any. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Sends what it sends with a mask of zeros, which costs no pass over the bytes. Masks are there because a page's script could
   * else write what a proxy in between takes for HTTP (RFC 6455, 10.3): between brokers no page chooses the bytes of a frame.
   */
  readonly isUnmasked?: boolean;
}

/** Node 20 has no WebSocket of its own. `ws`, without deflate: record batches are compressed already, where it pays. */
export async function loadNodeWebSocket({
  headers = {},
  isUnmasked = false,
}: NodeWebSocketOptions = {}): Promise<WebSocketClass> {
  const { WebSocket } = await import('ws');
  class NodeWebSocket extends WebSocket {
    constructor(url: string, protocols: string[] = []) {
      super(url, protocols, {
        perMessageDeflate: false,
        headers,
        ...(isUnmasked && { generateMask: leaveZeros }),
      });
    }
  }
  return NodeWebSocket as unknown as WebSocketClass;
}

const leaveZeros = (mask: Buffer): void => void mask.fill(0);
