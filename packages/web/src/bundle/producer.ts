/** The bundle `producer.js`: a producer, and what it stands on in a page. */
export { Cluster, Producer } from '@odradek/client';
export { createBrowserClientHost } from '../client-host.ts';
