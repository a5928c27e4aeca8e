/**
 * One end of a virtual stream. Bytes of one direction arrive in order and once, or not at all: that is what TCP promises. So
 * loss is a stall (the segment is sent again after a timeout, and all behind it wait), and there are no duplicates: a stream
 * that repeated bytes would be a broken TCP, against which no protocol on top defends itself. What does get
 * reordered and repeated are requests, over several connections and by clients that try again.
 *
 * When nothing comes through, an end does not know it (half open) until its patience with what it sent is over.
 */
import { TransportError, type Connection, type ConnectionHandler } from '@odradek/ports';
import type { PlannedEvent } from '../time/event-queue.ts';
import type { Process } from '../time/process.ts';
import type { Network } from './network.ts';

export interface Parcel {
  readonly bytes: Uint8Array | undefined;
  /** Behind the last bytes; a reset does not wait for those that were not read. */
  readonly end: 'fin' | 'reset' | undefined;
}

const FIN: Parcel = { bytes: undefined, end: 'fin' };
const RESET: Parcel = { bytes: undefined, end: 'reset' };
const BUFFER_HIGH_BYTES = 256 * 1024;
/** What a receiver's kernel takes that its program does not read. */
const WINDOW_BYTES = 128 * 1024;
const BUFFER_LOW_BYTES = 64 * 1024;
/** How long a close waits for what is queued. */
const CLOSE_GRACE_MS = 5_000;

export class StreamEnd implements Connection {
  readonly process: Process;
  readonly remoteAddress: string;
  peer!: StreamEnd;
  bufferedBytes = 0;
  /** Not before this may the next parcel arrive. */
  lastArrivalMs = 0;
  /** What cannot get through, in order. */
  held: Parcel[] = [];
  patience: PlannedEvent | undefined;
  readonly #network: Network;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #handler: ConnectionHandler | undefined;
  #inbox: Uint8Array[] = [];
  #inboxAt = 0;
  #hasFin = false;
  #isPaused = false;
  #isCongested = false;
  #isTold = false;
  #cause: Error | undefined;

  constructor(network: Network, process: Process, remoteAddress: string) {
    this.#network = network;
    this.process = process;
    this.remoteAddress = remoteAddress;
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  start(handler: ConnectionHandler): void {
    if (this.#handler !== undefined) throw new Error('a connection is started once');
    this.#handler = handler;
    if (this.#state === 'closed' || this.#hasFin || this.#inbox.length > 0)
      this.#network.soon(this.process, 'start', () => this.#catchUp());
  }

  send(chunks: readonly Uint8Array[]): boolean {
    if (this.#state !== 'open' || !this.process.isAlive) return false;
    const bytes = joined(chunks);
    if (bytes.length === 0) return !this.#isCongested;
    this.bufferedBytes += bytes.length;
    this.#network.transmit(this, { bytes, end: undefined });
    if (this.bufferedBytes >= BUFFER_HIGH_BYTES) this.#isCongested = true;
    return !this.#isCongested;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#inbox.length > this.#inboxAt || this.#hasFin)
      this.#network.soon(this.process, 'resume', () => this.#catchUp());
  }

  close(): void {
    if (this.#state !== 'open' || !this.process.isAlive) return;
    this.#state = 'closing';
    this.#dropInbox();
    this.#network.transmit(this, FIN);
    this.#network.later(this.process, 'close grace', CLOSE_GRACE_MS, () => this.finish());
  }

  destroy(): void {
    if (this.#state === 'closed' || !this.process.isAlive) return;
    this.held = [];
    this.#network.transmit(this, RESET);
    this.peer.loseBeyondWindow();
    this.finish();
  }

  // What follows is the network's side.

  /** A parcel of the peer's has come. */
  receive({ bytes, end }: Parcel): void {
    const sender = this.peer;
    if (bytes !== undefined) {
      if (this.#state !== 'open') {
        sender.credit(bytes.length);
        return;
      }
      this.#network.cutUp(bytes, (piece) => this.#inbox.push(piece));
      this.#whenRunning(() => this.#deliver());
    } else if (end === 'fin') {
      this.#hasFin = true;
      // Its own close is done when the other end has everything.
      sender.finish();
      this.#whenRunning(() => this.#deliver());
    } else this.finish(new TransportError(`${this.remoteAddress} reset the connection`));
  }

  /** What was more than a receiver's kernel takes was with the sender still, who is gone. */
  loseBeyondWindow(): void {
    let sizeBytes = 0;
    const kept = this.#inbox.findIndex((bytes, at) => {
      if (at >= this.#inboxAt) sizeBytes += bytes.length;
      return sizeBytes > WINDOW_BYTES;
    });
    if (kept >= 0) this.#inbox.length = kept;
  }

  /** So many bytes are with the reader now. */
  credit(sizeBytes: number): void {
    this.bufferedBytes -= sizeBytes;
    if (!this.#isCongested || this.bufferedBytes > BUFFER_LOW_BYTES) return;
    this.#isCongested = false;
    this.#network.soon(this.process, 'drain', () => {
      if (this.#state === 'open') this.#handler?.onDrain();
    });
  }

  /** It is over; its owner is told in a moment of their own. */
  finish(cause?: Error): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cause = cause;
    this.#dropInbox();
    this.held = [];
    this.bufferedBytes = 0;
    this.#network.forget(this);
    if (this.#handler !== undefined)
      this.#network.soon(this.process, 'closed', () => this.#tellClosed());
  }

  #whenRunning(task: () => void): void {
    if (this.process.isPaused) this.#network.soon(this.process, 'deliver', task);
    else task();
  }

  #catchUp(): void {
    if (this.#state === 'closed') this.#tellClosed();
    else this.#deliver();
  }

  #deliver(): void {
    const handler = this.#handler;
    if (handler === undefined) return;
    while (this.#state === 'open' && !this.#isPaused && this.#inboxAt < this.#inbox.length) {
      const bytes = this.#inbox[this.#inboxAt]!;
      this.#inboxAt += 1;
      this.peer.credit(bytes.length);
      handler.onBytes(bytes, true);
    }
    if (this.#inboxAt < this.#inbox.length) return;
    this.#dropInbox();
    if (this.#hasFin && this.#state !== 'closed') this.finish();
  }

  #dropInbox(): void {
    this.#inbox = [];
    this.#inboxAt = 0;
  }

  #tellClosed(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#handler?.onClose(this.#cause);
  }
}

const joined = (chunks: readonly Uint8Array[]): Uint8Array => {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  // Copied: a receiver may write into what is its own, and the sender may have to send its own again.
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
};
