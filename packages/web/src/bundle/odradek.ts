/** The bundle `odradek.js`: all that a page can do with the client. What it has in common with `client.js` is loaded once. */
export * from '@odradek/client';
export * from '../index.ts';
