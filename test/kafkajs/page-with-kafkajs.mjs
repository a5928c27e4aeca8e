/** The application in a page, with the unmodified KafkaJS over the page's WebSocket. JavaScript: KafkaJS's types are Node's, a page has none of them. */
import { webSocketSocketFactory } from '@odradek/web/kafkajs-socket';
import { runOrderBook } from './application.ts';

const socketFactory = webSocketSocketFactory();

globalThis.runOrderBook = (broker, topic) =>
  runOrderBook({ brokers: [broker], socketFactory, connectionTimeout: 10_000 }, topic);
