/** The application in a page, with the unmodified KafkaJS over the page's WebSocket. */
import { webSocketSocketFactory } from '@odradek/web/kafkajs-socket';
import type { ISocketFactory } from 'kafkajs';
import { runOrderBook } from './application.ts';

const socketFactory = webSocketSocketFactory() as unknown as ISocketFactory;

Object.assign(globalThis, {
  runOrderBook: (broker: string, topic: string) =>
    runOrderBook({ brokers: [broker], socketFactory, connectionTimeout: 10_000 }, topic),
});
