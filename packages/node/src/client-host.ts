import type { ClientHost } from '@odradek/client';
import { createNodeCompression } from '@odradek/compression/node';
import { createTcpDial } from '@odradek/transport/tcp';
import { createNodeClock, createNodeCrc32c, createNodeRandom } from './host.ts';

/** What a client in Node stands on: TCP, and the ports of a broker's host. */
export function createClientHost(): ClientHost {
  return {
    dial: createTcpDial(),
    clock: createNodeClock(),
    random: createNodeRandom(),
    compression: createNodeCompression(),
    crc32c: createNodeCrc32c(),
  };
}
