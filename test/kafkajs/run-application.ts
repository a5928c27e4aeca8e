/** The application as a program: where the broker is, and the topic; it prints what came out. */
import { runOrderBook } from './application.ts';

const [, , broker = '', topic = ''] = process.argv;
process.stdout.write(JSON.stringify(await runOrderBook({ brokers: [broker] }, topic)));
