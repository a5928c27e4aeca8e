export { createBrowserClientHost } from './client-host.ts';
export type { BrowserClientHostOptions } from './client-host.ts';
