/** The application in a page, with the one import changed. */
import { runOrderBook } from './application.ts';

globalThis.runOrderBook = (broker, topic) => runOrderBook({ brokers: [broker] }, topic);
