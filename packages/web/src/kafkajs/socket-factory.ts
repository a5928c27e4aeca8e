/**
 * A `socketFactory` for KafkaJS itself in a page: it speaks to brokers over the page's own WebSocket. The bundle is made with kafkajsPageBundle.
 *
 *     new Kafka({ brokers: ['localhost:9094'], socketFactory: webSocketSocketFactory() })
 */
import { ConnectionSocket, urlOf } from '@odradek/client/kafkajs';
import type { SocketFactoryArgs, SocketUrl } from '@odradek/client/kafkajs';
import { dialWebSocket } from '@odradek/transport/websocket-client';
import type { WebSocketClass } from '@odradek/transport/websocket-client';
import { createBrowserClock } from '../host.ts';
import { PageBuffer } from './buffer.ts';

export interface WebSocketSocketFactoryOptions {
  /** ws://host:port/kafka of each address that the cluster tells, unless told otherwise; wss in a page over https. */
  readonly url?: SocketUrl;
  readonly protocols?: readonly string[];
}

/** Its sockets are what KafkaJS touches of net.Socket; a page has no type for the rest. */
export function webSocketSocketFactory({ url, protocols }: WebSocketSocketFactoryOptions = {}): (
  args: SocketFactoryArgs,
) => ConnectionSocket {
  const clock = createBrowserClock();
  return (args) => {
    const place = urlOf(args, url, origin.startsWith('https:'));
    return new ConnectionSocket(
      (signal) =>
        dialWebSocket(
          place,
          {
            WebSocket: WebSocket as WebSocketClass,
            clock,
            ...(protocols !== undefined && { protocols }),
          },
          signal,
        ),
      (bytes) => new PageBuffer(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length),
      args.onConnect,
    );
  };
}
