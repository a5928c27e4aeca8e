/** Two ends of a connection without a network between them: what one sends, the other gets in a later turn. */
import type { Connection, ConnectionHandler } from '@odradek/ports';

export interface ConnectionPair {
  readonly ends: readonly [Connection, Connection];
  /** Both ends lose the connection. */
  cut(cause?: Error): void;
  /** From now on nothing arrives at either end, and neither is told: the cable is out. */
  mute(): void;
}

export const connectionPair = (): ConnectionPair => {
  const handlers: (ConnectionHandler | undefined)[] = [undefined, undefined];
  const held: [Uint8Array[], Uint8Array[]] = [[], []];
  let isClosed = false;
  let isMute = false;
  const end = (cause?: Error): void => {
    if (isClosed) return;
    isClosed = true;
    // What was sent before still arrives.
    void Promise.resolve().then(() => {
      deliver(0);
      deliver(1);
      for (const handler of handlers) handler?.onClose(cause);
    });
  };
  const deliver = (to: 0 | 1): void => {
    const handler = handlers[to];
    if (handler !== undefined) for (const chunk of held[to].splice(0)) handler.onBytes(chunk, true);
  };
  const make = (own: 0 | 1): Connection => ({
    remoteAddress: `peer-${1 - own}:9094`,
    bufferedBytes: 0,
    start(handler) {
      handlers[own] = handler;
      void Promise.resolve().then(() => deliver(own));
    },
    send(chunks) {
      if (isClosed) return false;
      if (isMute) return true;
      const to = own === 0 ? 1 : 0;
      for (const chunk of chunks) held[to].push(chunk.slice());
      void Promise.resolve().then(() => deliver(to));
      return true;
    },
    pause() {},
    resume() {},
    close: () => close(own),
    destroy: () => close(own),
  });
  /** One end closes; behind a dead cable the other does not hear of it. */
  const close = (own: 0 | 1): void => {
    if (!isMute) return end();
    const handler = handlers[own];
    handlers[own] = undefined;
    void Promise.resolve().then(() => handler?.onClose(undefined));
  };
  return { ends: [make(0), make(1)], cut: end, mute: () => (isMute = true) };
};
