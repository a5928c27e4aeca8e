/** The application as a program of Node's, with the unmodified KafkaJS over WebSocket. */
import { webSocketSocketFactory } from '@odradek/node/kafkajs-socket';
import { runOrderBook } from './application.ts';

const [, , broker = '', topic = ''] = process.argv;
const socketFactory = webSocketSocketFactory();
const outcome = await runOrderBook({ brokers: [broker], socketFactory }, topic);
process.stdout.write(JSON.stringify(outcome));
