import type { Clock } from '@odradek/ports';
import { connectionContract } from '@odradek/ports/testing';
import { describe, expect, it } from 'vitest';
import { connectPort, type MessagePortLike } from './index.ts';

const clock: Clock = {
  wallTimeMs: () => 0,
  monotonicMs: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as never),
};

const end = (port: unknown, remoteAddress: string) =>
  connectPort(port as MessagePortLike, { clock, remoteAddress });

connectionContract('MessagePort', async () => {
  const open: { close(): void }[] = [];
  return {
    connect() {
      const { port1, port2 } = new MessageChannel();
      open.push(port1, port2);
      return Promise.resolve({ near: end(port1, 'far'), far: end(port2, 'near') });
    },
    dispose() {
      for (const port of open) port.close();
      return Promise.resolve();
    },
  };
});

describe('a MessagePort', () => {
  it('leaves the memory of what is sent to its owner', async () => {
    const { port1, port2 } = new MessageChannel();
    const near = end(port1, 'far');
    const far = end(port2, 'near');
    const bytes = new Uint8Array([1, 2, 3]);
    const received = new Promise<Uint8Array>((resolve) =>
      far.start({ onBytes: (chunk) => resolve(chunk), onDrain() {}, onClose() {} }),
    );
    near.start({ onBytes() {}, onDrain() {}, onClose() {} });
    near.send([bytes]);
    expect(await received).toEqual(bytes);
    expect(bytes.byteLength).toBe(3);
    near.destroy();
  });
});
