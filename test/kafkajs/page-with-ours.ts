/** The application in a page, with the one import changed. */
import { runOrderBook } from './application.ts';

Object.assign(globalThis, {
  runOrderBook: (broker: string, topic: string) => runOrderBook({ brokers: [broker] }, topic),
});
