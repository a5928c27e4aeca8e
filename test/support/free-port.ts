/**
 * A port for a broker that is stopped and started again. Below what the system gives to outgoing connections: none of them
 * can take it while the broker is away.
 */
import { createServer } from 'node:net';

const FIRST = 20_000;
const LAST = 30_000;

export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) return port;
  }
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
