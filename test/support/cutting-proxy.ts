/**
 * A way between two ends that can be cut without either of them noticing: while it is cut nothing passes, connections stay open
 * and new ones are taken and led nowhere, as on a network that drops packets. When it heals, what waited goes on.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Endpoint } from '@odradek/ports';

export class CuttingProxy implements AsyncDisposable {
  readonly #target: Endpoint;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Taken while it was cut. */
  readonly #waiting = new Set<Socket>();
  #isCut = false;

  static async to(target: Endpoint): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.on('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  private constructor(target: Endpoint) {
    this.#target = target;
    this.#server = createServer((socket) => {
      this.#know(socket);
      if (this.#isCut) this.#waiting.add(socket.pause());
      else this.#lead(socket);
    });
  }

  get port(): number {
    return (this.#server.address() as { readonly port: number }).port;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  heal(): void {
    this.#isCut = false;
    for (const socket of this.#waiting) this.#lead(socket);
    this.#waiting.clear();
    for (const socket of this.#sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #know(socket: Socket): void {
    this.#sockets.add(socket);
    // An end that breaks is an end like any.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#waiting.delete(socket);
    });
  }

  #lead(from: Socket): void {
    const to = connect(this.#target);
    this.#know(to);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on('data', (chunk) => {
        if (!other.destroyed) other.write(chunk);
      });
      one.on('close', () => other.destroy());
    }
    from.resume();
    // It was cut before this one was open.
    if (this.#isCut) for (const socket of [from, to]) socket.pause();
  }
}
