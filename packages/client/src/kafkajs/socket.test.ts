/** The socket that KafkaJS gets, and the watcher on the wire, each over a connection whose other end is the test. */
import type { Connection, ConnectionHandler } from '@odradek/ports';
import { describe, expect, it } from 'vitest';
import { observed } from './network-events.ts';
import { ConnectionSocket, urlOf } from './socket.ts';

class Wire implements Connection {
  readonly remoteAddress = 'test';
  readonly bufferedBytes = 0;
  readonly sent: number[] = [];
  handler: ConnectionHandler | undefined;
  isClosed = false;
  start(handler: ConnectionHandler): void {
    this.handler = handler;
  }
  send(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) this.sent.push(...chunk);
    return true;
  }
  pause(): void {}
  resume(): void {}
  close(): void {
    this.isClosed = true;
    this.handler?.onClose();
  }
  destroy(): void {
    this.close();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function socketOver(open: Promise<Connection>): { socket: ConnectionSocket; told: string[] } {
  const told: string[] = [];
  const socket = new ConnectionSocket(
    () => open,
    (bytes) => bytes,
    () => told.push('onConnect'),
  );
  for (const event of ['data', 'end', 'error', 'close'] as const)
    socket.on(event, (value) =>
      told.push(value === undefined ? event : `${event} ${String(value)}`),
    );
  return { socket, told };
}

describe('the socket', () => {
  it('sends what was written before it was open, tells what comes, and that the other end has gone', async () => {
    const wire = new Wire();
    const { socket, told } = socketOver(Promise.resolve(wire));
    socket.write(Uint8Array.of(1, 2));
    await settled();
    socket.write(Uint8Array.of(3));
    wire.handler!.onBytes(Uint8Array.of(7, 8), true);
    wire.handler!.onClose();
    expect(wire.sent).toEqual([1, 2, 3]);
    expect(told).toEqual(['onConnect', 'data 7,8', 'end', 'close']);
    expect(socket.write(Uint8Array.of(4))).toBe(false);
  });

  it('keeps a chunk that is only lent', async () => {
    const wire = new Wire();
    const { socket } = socketOver(Promise.resolve(wire));
    await settled();
    const kept: Uint8Array[] = [];
    socket.on('data', (value) => kept.push(value as Uint8Array));
    const lent = Uint8Array.of(1);
    wire.handler!.onBytes(lent, false);
    lent[0] = 9;
    expect(kept).toEqual([Uint8Array.of(1)]);
  });

  it('fails with a connection that fails', async () => {
    const wire = new Wire();
    const { told } = socketOver(Promise.resolve(wire));
    await settled();
    wire.handler!.onClose(new Error('reset'));
    expect(told).toEqual(['onConnect', 'error Error: reset', 'close']);
    const refused = socketOver(Promise.reject(new Error('refused')));
    await settled();
    expect(refused.told).toEqual(['error Error: refused', 'close']);
  });

  it('is silent about an end of one’s own, also when it comes before the beginning', async () => {
    const wire = new Wire();
    const { socket, told } = socketOver(Promise.resolve(wire));
    await settled();
    socket.end();
    expect(wire.isClosed).toBe(true);
    expect(told).toEqual(['onConnect', 'close']);
    const late = new Wire();
    const early = socketOver(Promise.resolve(late));
    early.socket.end().unref();
    await settled();
    expect([early.told, late.isClosed]).toEqual([[], true]);
  });

  it('goes to each broker’s own address unless it is told where', () => {
    const args = { host: 'a', port: 1, onConnect: () => {} };
    expect(urlOf(args, undefined)).toBe('ws://a:1/kafka');
    expect(urlOf({ ...args, host: '::1', ssl: {} }, undefined)).toBe('wss://[::1]:1/kafka');
    expect(urlOf(args, 'ws://gateway/k')).toBe('ws://gateway/k');
    expect(urlOf(args, (host, port) => `ws://gateway/${host}/${port}`)).toBe('ws://gateway/a/1');
  });
});

describe('the watcher on the wire', () => {
  const frame = (
    ...numbers: readonly (readonly [bits: 8 | 16 | 32, value: number])[]
  ): Uint8Array => {
    const view = new DataView(new ArrayBuffer(64));
    let at = 4;
    for (const [bits, value] of numbers) {
      if (bits === 8) view.setInt8(at, value);
      else if (bits === 16) view.setInt16(at, value);
      else view.setInt32(at, value);
      at += bits / 8;
    }
    view.setInt32(0, at - 4);
    return new Uint8Array(view.buffer, 0, at);
  };
  const request = (apiKey: number, correlationId: number) =>
    frame([16, apiKey], [16, 4], [32, correlationId], [8, 1]);

  it('tells requests and their answers, however the answers are cut', async () => {
    const wire = new Wire();
    let nowMs = 100;
    const clock = {
      wallTimeMs: () => nowMs,
      monotonicMs: () => nowMs,
      setTimeout: () => 0,
      clearTimeout: () => {},
    };
    const told: string[] = [];
    const dial = observed(() => Promise.resolve(wire), clock, 'me', {
      sent: ({ apiName, correlationId }) => told.push(`sent ${apiName} ${correlationId}`),
      answered: ({ apiName, duration, size, broker, apiVersion }) =>
        told.push(`answered ${apiName} v${apiVersion} by ${broker} in ${duration} of ${size}`),
      unanswered: ({ apiName }) => told.push(`unanswered ${apiName}`),
    });
    const connection = await dial({ host: 'a', port: 1 });
    const received: number[] = [];
    connection.start({
      onBytes: (chunk) => received.push(...chunk),
      onDrain: () => {},
      onClose: () => told.push('closed'),
    });
    const metadata = request(3, 7);
    connection.send([metadata.subarray(0, 5), metadata.subarray(5)]);
    connection.send([request(0, 8)]);
    connection.send([request(12, 9)]);
    nowMs = 130;
    // The one in between is never answered.
    const answers = [...frame([32, 7], [8, 1]), ...frame([32, 9])];
    for (const byte of answers) wire.handler!.onBytes(Uint8Array.of(byte), true);
    connection.send([request(1, 10)]);
    wire.handler!.onClose();
    expect(received).toEqual(answers);
    expect(told).toEqual([
      'sent Metadata 7',
      'sent Produce 8',
      'sent Heartbeat 9',
      'answered Metadata v4 by a:1 in 30 of 5',
      'answered Heartbeat v4 by a:1 in 30 of 4',
      'sent Fetch 10',
      'unanswered Fetch',
      'closed',
    ]);
  });
});
