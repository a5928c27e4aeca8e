export { createBrowserClientHost } from './client-host.ts';
export type { BrowserClientHostOptions } from './client-host.ts';
export { createBrowserCrc32c } from './crc32c.ts';
