/**
 * A `socketFactory` for KafkaJS itself: the unmodified library speaks to brokers over WebSocket, from Node.
 *
 *     new Kafka({ brokers: ['localhost:9094'], socketFactory: webSocketSocketFactory() })
 */
import type { Socket } from 'node:net';
import { ConnectionSocket, urlOf } from '@odradek/client/kafkajs';
import type { SocketFactoryArgs, SocketUrl } from '@odradek/client/kafkajs';
import { loadNodeWebSocket } from '@odradek/transport/websocket';
import { dialWebSocket } from '@odradek/transport/websocket-client';
import type { WebSocketClass } from '@odradek/transport/websocket-client';
import { createNodeClock } from './host.ts';

export interface WebSocketSocketFactoryOptions {
  /** ws://host:port/kafka of each address that the cluster tells, unless told otherwise; wss with KafkaJS's `ssl`. */
  readonly url?: SocketUrl;
  readonly protocols?: readonly string[];
  /** Of the request that opens the WebSocket, for a proxy that asks for them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** KafkaJS has a limit of its own, `connectionTimeout`. */
  readonly connectTimeoutMs?: number;
}

export function webSocketSocketFactory({
  url,
  protocols,
  headers = {},
  connectTimeoutMs,
}: WebSocketSocketFactoryOptions = {}): (args: SocketFactoryArgs) => Socket {
  const clock = createNodeClock();
  let loading: Promise<WebSocketClass> | undefined;
  return (args) => {
    const place = urlOf(args, url);
    const socket = new ConnectionSocket(
      async (signal) => {
        const WebSocket = await (loading ??= loadNodeWebSocket({ headers }));
        return dialWebSocket(
          place,
          {
            WebSocket,
            clock,
            ...(protocols !== undefined && { protocols }),
            ...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
          },
          signal,
        );
      },
      (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      args.onConnect,
    );
    // It has what KafkaJS touches of a Socket; the type says all of it.
    return socket as unknown as Socket;
  };
}
