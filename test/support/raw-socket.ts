/** A TCP connection that keeps to no protocol. */
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '@odradek/ports';

export interface RawSocket {
  readonly socket: Socket;
  /** All that came so far. */
  readonly received: Buffer;
  send(bytes: Uint8Array | string): void;
  /** Resolves when the other side has closed it, in whatever way. */
  readonly closed: Promise<void>;
  readonly isClosed: boolean;
  destroy(): void;
}

/** `onBytes` takes what comes, in the place of `received`. */
export const rawSocket = (
  endpoint: Endpoint,
  onBytes?: (chunk: Buffer) => void,
): Promise<RawSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect(endpoint);
    const chunks: Buffer[] = [];
    let isClosed = false;
    const closed = new Promise<void>((gone) => {
      socket.on('close', () => {
        isClosed = true;
        gone();
      });
    });
    socket.on('data', onBytes ?? ((chunk: Buffer) => chunks.push(chunk)));
    socket.on('error', reject);
    socket.on('connect', () => {
      // A reset is an end like any.
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve({
        socket,
        closed,
        get received() {
          return Buffer.concat(chunks);
        },
        get isClosed() {
          return isClosed;
        },
        send: (bytes) => void socket.write(bytes),
        destroy: () => socket.destroy(),
      });
    });
  });
