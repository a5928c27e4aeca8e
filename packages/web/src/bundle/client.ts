/** The bundle `client.js`: producer and consumer, and what they stand on in a page. */
export { Cluster, Consumer, Producer } from '@odradek/client';
export { createBrowserClientHost } from '../client-host.ts';
