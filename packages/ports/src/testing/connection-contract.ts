import { afterEach, describe, expect, it } from 'vitest';
import type { Connection, ConnectionHandler } from '../transport.ts';
import { seededRandom } from './seeded-random.ts';

/** Two ends of one way, neither started. */
export interface ConnectedPair {
  readonly near: Connection;
  readonly far: Connection;
}

export interface ConnectionContractSetup {
  /** A fresh pair; called more than once by some tests. */
  connect(): Promise<ConnectedPair>;
  /** Drops whatever `connect` opened. */
  dispose(): Promise<void>;
}

export type End = 'near' | 'far';

/** What an end cannot do because its host does not let it. */
export interface ConnectionContractLimits {
  /** Ends whose pause does not reach the sender: what comes is held in memory. */
  readonly cannotHoldBack?: readonly End[];
  /** Ends whose destroy still sends what is queued. */
  readonly cannotDrop?: readonly End[];
}

/** What every transport must do, asked of both ends. */
export function connectionContract(
  name: string,
  setup: () => Promise<ConnectionContractSetup>,
  limits: ConnectionContractLimits = {},
): void {
  const ends: {
    from: End;
    to: End;
    pick: (pair: ConnectedPair) => { sender: Connection; receiver: Connection };
  }[] = [
    {
      from: 'near',
      to: 'far',
      pick: (pair: ConnectedPair) => ({ sender: pair.near, receiver: pair.far }),
    },
    {
      from: 'far',
      to: 'near',
      pick: (pair: ConnectedPair) => ({ sender: pair.far, receiver: pair.near }),
    },
  ];

  describe(`${name}: connection contract`, () => {
    let open: ConnectionContractSetup | undefined;
    const connect = async (): Promise<ConnectedPair> => {
      open ??= await setup();
      return open.connect();
    };
    afterEach(async () => {
      await open?.dispose();
      open = undefined;
    });

    for (const { from, to, pick } of ends) {
      describe(`${from} to ${to}`, () => {
        it('delivers bytes in order, however they are cut', async () => {
          const { sender, receiver } = pick(await connect());
          const received = new Recorder(receiver);
          new Recorder(sender);
          const expected = patternBytes(5_000);
          let at = 0;
          for (const size of [1, 1, 2, 0, 3, 61, 500, 7, 1, 2_000]) {
            sender.send([expected.subarray(at, at + size)]);
            at += size;
          }
          while (at < expected.length) {
            const cut = Math.min(at + 300, expected.length);
            sender.send([
              expected.subarray(at, at + 1),
              new Uint8Array(0),
              expected.subarray(at + 1, cut),
            ]);
            at = cut;
          }
          await received.bytesAtLeast(expected.length);
          expect(sameBytes(received.joined(), expected)).toBe(true);
        });

        it('delivers nothing before start, and everything after it', async () => {
          const { sender, receiver } = pick(await connect());
          const bytes = patternBytes(20_000);
          new Recorder(sender);
          sender.send([bytes]);
          await aRoundTripElsewhere(connect, pick);
          const received = new Recorder(receiver);
          expect(received.sizeBytes).toBe(0);
          await received.bytesAtLeast(bytes.length);
          expect(sameBytes(received.joined(), bytes)).toBe(true);
        });

        it('delivers nothing while paused', async () => {
          const { sender, receiver } = pick(await connect());
          const received = new Recorder(receiver);
          new Recorder(sender);
          sender.send([patternBytes(10)]);
          await received.bytesAtLeast(10);
          receiver.pause();
          for (let i = 0; i < 5; i++) sender.send([patternBytes(1_000)]);
          await aRoundTripElsewhere(connect, pick);
          expect(received.sizeBytes).toBe(10);
          receiver.resume();
          await received.bytesAtLeast(5_010);
          expect(received.sizeBytes).toBe(5_010);
        });

        it('can be paused by the receiver of a chunk', async () => {
          const { sender, receiver } = pick(await connect());
          new Recorder(sender);
          const received = new Recorder(receiver, () => receiver.pause());
          const expected = patternBytes(3_000);
          for (let at = 0; at < expected.length; at += 100)
            sender.send([expected.subarray(at, at + 100)]);
          let resumes = 0;
          while (received.sizeBytes < expected.length) {
            const before = received.chunkCount;
            receiver.resume();
            await received.changed(() => received.chunkCount > before);
            expect(received.chunkCount).toBe(before + 1);
            resumes++;
          }
          expect(resumes).toBe(received.chunkCount);
          expect(sameBytes(received.joined(), expected)).toBe(true);
        });

        it('sends what is queued before it closes', async () => {
          const { sender, receiver } = pick(await connect());
          const received = new Recorder(receiver);
          const sent = new Recorder(sender);
          const bytes = patternBytes(3 * 1024 * 1024);
          sender.send([bytes]);
          sender.close();
          sender.close();
          await Promise.all([received.closed, sent.closed]);
          expect(sameBytes(received.joined(), bytes)).toBe(true);
          expect([received.closeCount, sent.closeCount]).toEqual([1, 1]);
          expect([received.cause, sent.cause]).toEqual([undefined, undefined]);
        });

        it('drops what is sent after close and answers false', async () => {
          const { sender, receiver } = pick(await connect());
          const received = new Recorder(receiver);
          const sent = new Recorder(sender);
          sender.send([patternBytes(10)]);
          sender.close();
          expect(sender.send([patternBytes(10)])).toBe(false);
          await Promise.all([received.closed, sent.closed]);
          expect(sender.send([patternBytes(10)])).toBe(false);
          expect(received.sizeBytes).toBe(10);
        });

        it('delivers nothing to an end that has closed', async () => {
          const { sender, receiver } = pick(await connect());
          const received = new Recorder(receiver);
          const sent = new Recorder(sender);
          receiver.close();
          sender.send([patternBytes(100_000)]);
          await Promise.all([received.closed, sent.closed]);
          expect(received.sizeBytes).toBe(0);
        });

        it('closes although it is paused and bytes are waiting', async () => {
          const { sender, receiver } = pick(await connect());
          const received = new Recorder(receiver);
          const sent = new Recorder(sender);
          receiver.pause();
          sender.send([patternBytes(500_000)]);
          await aRoundTripElsewhere(connect, pick);
          receiver.close();
          await Promise.all([received.closed, sent.closed]);
          expect([received.closeCount, sent.closeCount, received.sizeBytes]).toEqual([1, 1, 0]);
        });

        it('tells both ends once when one destroys', async () => {
          const { sender, receiver } = pick(await connect());
          const received = new Recorder(receiver);
          const sent = new Recorder(sender);
          sender.send([patternBytes(10)]);
          await received.bytesAtLeast(10);
          sender.destroy();
          sender.destroy();
          sender.close();
          await Promise.all([received.closed, sent.closed]);
          await aTurn();
          expect([received.closeCount, sent.closeCount]).toEqual([1, 1]);
          expect(sent.cause).toBeUndefined();
        });

        it('tells an end that starts late that the other is gone', async () => {
          const { sender, receiver } = pick(await connect());
          const sent = new Recorder(sender);
          sender.destroy();
          await sent.closed;
          await aRoundTripElsewhere(connect, pick);
          const received = new Recorder(receiver);
          await received.closed;
          expect(received.closeCount).toBe(1);
          receiver.close();
          receiver.destroy();
        });

        it('closes an end that was never started', async () => {
          const { sender, receiver } = pick(await connect());
          const sent = new Recorder(sender);
          receiver.close();
          await sent.closed;
          expect(sent.closeCount).toBe(1);
        });
      });
    }

    const heldBack = ends.filter(({ to }) => !limits.cannotHoldBack?.includes(to));
    for (const { from, to, pick } of heldBack) {
      it(`${from} to ${to}: asks a sender to stop when the receiver does not read, and calls it when it may go on`, async () => {
        const { sender, receiver } = pick(await connect());
        const received = new Recorder(receiver);
        receiver.pause();
        const sent = new Recorder(sender);
        const chunk = patternBytes(64 * 1024);
        let sentBytes = 0;
        let goesOn = true;
        while (goesOn) {
          goesOn = sender.send([chunk]);
          sentBytes += chunk.length;
          // What one turn sends is not on its way before the turn ends; a sender that is never told to stop is a failure.
          await aTurn();
          expect(sentBytes).toBeLessThan(backPressureBytesMax);
        }
        expect(sender.bufferedBytes).toBeGreaterThan(0);
        const drainsBefore = sent.drainCount;
        receiver.resume();
        await sent.changed(() => sent.drainCount > drainsBefore);
        expect(sent.drainCount).toBe(drainsBefore + 1);
        await received.bytesAtLeast(sentBytes);
        await sent.settled(() => sender.bufferedBytes === 0);
      });
    }

    for (const { from, to, pick } of heldBack.filter(
      ({ from }) => !limits.cannotDrop?.includes(from),
    )) {
      it(`${from} to ${to}: drops what is queued when it is destroyed`, async () => {
        const { sender, receiver } = pick(await connect());
        const received = new Recorder(receiver);
        receiver.pause();
        const sent = new Recorder(sender);
        const chunk = patternBytes(64 * 1024);
        let sentBytes = 0;
        while (sender.send([chunk]) && sentBytes < backPressureBytesMax) {
          sentBytes += chunk.length;
          await aTurn();
        }
        sender.destroy();
        await sent.closed;
        receiver.resume();
        await received.closed;
        expect(received.sizeBytes).toBeLessThan(sentBytes + chunk.length);
      });
    }

    it('carries 16 MiB both ways at once, unchanged', async () => {
      const { near, far } = await connect();
      const bytes = patternBytes(16 * 1024 * 1024);
      const nearReceived = new Recorder(near);
      const farReceived = new Recorder(far);
      await Promise.all([
        sendPaced(near, nearReceived, bytes, 1),
        sendPaced(far, farReceived, bytes, 2),
        nearReceived.bytesAtLeast(bytes.length),
        farReceived.bytesAtLeast(bytes.length),
      ]);
      expect(sameBytes(nearReceived.joined(), bytes)).toBe(true);
      expect(sameBytes(farReceived.joined(), bytes)).toBe(true);
    });

    it('lets a handler close while it is being called', async () => {
      const { near, far } = await connect();
      const received = new Recorder(far, () => far.close());
      const sent = new Recorder(near);
      for (let i = 0; i < 20; i++) near.send([patternBytes(50)]);
      await Promise.all([received.closed, sent.closed]);
      expect(received.chunkCount).toBe(1);
    });

    it('can be started only once', async () => {
      const { near } = await connect();
      new Recorder(near);
      expect(() => new Recorder(near)).toThrow();
    });

    it('names the other end', async () => {
      const { near, far } = await connect();
      expect(near.remoteAddress).toMatch(/./);
      expect(far.remoteAddress).toMatch(/./);
    });
  });
}

/** More than any kernel buffers beside the adapter's own high-water mark. */
const backPressureBytesMax = 64 * 1024 * 1024;

/** Sends in chunk lists of changing shape, heeding the answer of `send`. */
async function sendPaced(
  connection: Connection,
  recorder: Recorder,
  bytes: Uint8Array,
  seed: number,
): Promise<void> {
  const random = seededRandom(seed);
  let at = 0;
  while (at < bytes.length) {
    const chunks: Uint8Array[] = [];
    for (let count = 1 + (random.uint32() % 4); count > 0; count--) {
      const size = random.uint32() % 3 === 0 ? random.uint32() % 600_000 : random.uint32() % 2_000;
      const chunk = bytes.subarray(at, at + size);
      at += chunk.length;
      chunks.push(chunk);
    }
    const drains = recorder.drainCount;
    if (!connection.send(chunks)) await recorder.changed(() => recorder.drainCount > drains);
  }
}

/**
 * Something to wait for that takes as long as a delivery: bytes there and back over another pair. What was sent before it
 * on this pair has then arrived, if anything lets it.
 */
async function aRoundTripElsewhere(
  connect: () => Promise<ConnectedPair>,
  pick: (pair: ConnectedPair) => { sender: Connection; receiver: Connection },
): Promise<void> {
  const { sender, receiver } = pick(await connect());
  const back = new Recorder(sender);
  const there = new Recorder(receiver);
  for (let i = 1; i <= 3; i++) {
    sender.send([patternBytes(1_000)]);
    await there.bytesAtLeast(1_000 * i);
    receiver.send([patternBytes(1_000)]);
    await back.bytesAtLeast(1_000 * i);
  }
}

/** A handler that remembers, and promises that settle when it has seen enough. */
class Recorder implements ConnectionHandler {
  sizeBytes = 0;
  chunkCount = 0;
  drainCount = 0;
  closeCount = 0;
  cause: Error | undefined;
  readonly closed: Promise<void>;
  readonly #chunks: Uint8Array[] = [];
  readonly #afterBytes: (() => void) | undefined;
  #waiting: { until: () => boolean; resolve: () => void }[] = [];

  constructor(connection: Connection, afterBytes?: () => void) {
    this.#afterBytes = afterBytes;
    this.closed = this.changed(() => this.closeCount > 0);
    connection.start(this);
  }

  onBytes(chunk: Uint8Array, owned: boolean): void {
    if (this.closeCount > 0) throw new Error('onClose is the last call.');
    this.#chunks.push(owned ? chunk : chunk.slice());
    this.sizeBytes += chunk.length;
    this.chunkCount++;
    this.#afterBytes?.();
    this.#wake();
  }

  onDrain(): void {
    if (this.closeCount > 0) throw new Error('onClose is the last call.');
    this.drainCount++;
    this.#wake();
  }

  onClose(cause?: Error): void {
    this.closeCount++;
    this.cause = cause;
    this.#wake();
  }

  bytesAtLeast(count: number): Promise<void> {
    return this.changed(() => this.sizeBytes >= count);
  }

  /** Settles when the condition holds after one of this handler's calls. */
  changed(until: () => boolean): Promise<void> {
    if (until()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ until, resolve }));
  }

  /** Settles when the condition holds after a turn of the event loop. */
  async settled(until: () => boolean): Promise<void> {
    while (!until()) await aTurn();
  }

  joined(): Uint8Array {
    const joined = new Uint8Array(this.sizeBytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    return joined;
  }

  #wake(): void {
    const ready = this.#waiting.filter((waiting) => waiting.until());
    this.#waiting = this.#waiting.filter((waiting) => !ready.includes(waiting));
    for (const waiting of ready) waiting.resolve();
  }
}

/** Bytes with no short period, so that a lost or doubled piece shows. */
function patternBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i ^ (i >>> 8) ^ (i >>> 15)) * 31;
  return bytes;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function aTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
