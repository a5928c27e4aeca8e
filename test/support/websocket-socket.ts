/** What KafkaJS takes for a TCP socket, over a WebSocket: the one thing that a foreign client needs to come in by our other door. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ISocketFactory } from 'kafkajs';
import { WebSocket, createWebSocketStream } from 'ws';

/** `onOpen` hears each address that was dialled: those that Metadata gave. */
export const webSocketFactory =
  (onOpen: (url: string) => void): ISocketFactory =>
  ({ host, port, onConnect }) => {
    const url = `ws://${host}:${port}/kafka`;
    const webSocket = new WebSocket(url, { perMessageDeflate: false });
    webSocket.once('open', () => {
      onOpen(url);
      onConnect();
    });
    const stream: Duplex = createWebSocketStream(webSocket);
    const nothing = () => stream;
    return Object.assign(stream, {
      setKeepAlive: nothing,
      setNoDelay: nothing,
      ref: nothing,
      unref: nothing,
    }) as unknown as Socket;
  };
