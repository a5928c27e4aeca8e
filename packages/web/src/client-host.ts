import type { ClientHost } from '@odradek/client';
import type { Crc32c } from '@odradek/ports';
import { crc32cJs } from '@odradek/protocol';
import { createWebSocketDial } from '@odradek/transport/websocket-client';
import type { WebSocketClass } from '@odradek/transport/websocket-client';
import { createLazyCompression } from './compression.ts';
import { createBrowserClock, createBrowserRandom } from './host.ts';

export interface BrowserClientHostOptions {
  /** Whether brokers are dialled as wss. Otherwise as the page itself came: a page over https may open nothing else. */
  readonly secure?: boolean;
  /** Of the brokers' WebSocket, on every broker. */
  readonly path?: string;
  /** Where zstd.wasm of @bokuweb/zstd-wasm is served; by default beside the program's own files. Fetched when zstd is first met. */
  readonly zstdWasm?: string | URL;
  /** JavaScript's unless told otherwise: at a GB a second it is ten times as fast as a WebSocket, and a page need not load more. */
  readonly crc32c?: Crc32c;
}

/** What a client in a page or a worker stands on: WebSocket, and the browser's own clock and chance. */
export function createBrowserClientHost(options: BrowserClientHostOptions = {}): ClientHost {
  const clock = createBrowserClock();
  return {
    dial: createWebSocketDial({
      WebSocket: WebSocket as WebSocketClass,
      clock,
      // `origin`, since a worker made from a blob has its maker's origin and not its protocol.
      secure: options.secure ?? origin.startsWith('https:'),
      ...(options.path !== undefined && { path: options.path }),
    }),
    clock,
    random: createBrowserRandom(),
    compression: createLazyCompression(options.zstdWasm),
    crc32c: options.crc32c ?? crc32cJs,
  };
}
