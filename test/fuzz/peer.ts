/**
 * The other end of a broker's connection, without a network: sends frames, counts answers, checks that each is one. What it
 * hands over is overwritten as soon as the call returns, as a transport's read buffer would be.
 */
import type { Connection, ConnectionHandler } from '@odradek/ports';
import { FrameReader, decodeResponse } from '@odradek/protocol';
import { expectationOf, responseOf, type Expectation } from './requests.ts';

const ANSWER_BYTES_MAX = 2 ** 30;
const LENGTH_BYTES = 4;

let ports = 10_000;

export class Peer implements Connection {
  readonly remoteAddress: string;
  readonly bufferedBytes = 0;
  lastSentMs = performance.now();
  /** What was sent and is not answered yet, in order. */
  readonly unanswered: { readonly bytes: Uint8Array; readonly expectation: Expectation }[] = [];
  isClosed = false;
  sent = 0;
  answered = 0;
  /** Sent, and rightly not answered. */
  silent = 0;
  /** An answer that was wrong. */
  failure: Error | undefined;
  #handler: ConnectionHandler | undefined;
  readonly #frames = new FrameReader({
    frameBytesMax: ANSWER_BYTES_MAX,
    onFrame: (bytes) => this.#receive(bytes),
  });

  constructor() {
    ports = ports === 60_000 ? 10_000 : ports + 1;
    this.remoteAddress = `10.0.0.${ports % 200}:${ports}`;
  }

  /** Everything that was to be answered is, or the connection has ended. */
  get isSettled(): boolean {
    return this.isClosed || this.unanswered.length === 0;
  }

  sendFrame(bytes: Uint8Array): void {
    if (this.isClosed) return;
    const expectation = expectationOf(bytes);
    this.sent += 1;
    this.lastSentMs = performance.now();
    if (expectation.isSilent) this.silent += 1;
    else this.unanswered.push({ bytes, expectation });
    const chunk = new Uint8Array(LENGTH_BYTES + bytes.length);
    new DataView(chunk.buffer).setInt32(0, bytes.length);
    chunk.set(bytes, LENGTH_BYTES);
    this.#handler?.onBytes(chunk, false);
    chunk.fill(0xa5);
  }

  /** The client leaves. */
  leave(): void {
    this.#end();
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  send(chunks: readonly Uint8Array[]): boolean {
    if (!this.isClosed) for (const chunk of chunks) this.#frames.push(chunk, true);
    return true;
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    this.#end();
  }

  destroy(): void {
    this.#end();
  }

  #end(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#handler?.onClose();
  }

  #receive(answer: Uint8Array): void {
    const asked = this.unanswered.shift();
    if (asked === undefined) return this.#failed('an answer to nothing', answer);
    this.answered += 1;
    const { apiKey, apiVersion, correlationId } = asked.expectation;
    const view = new DataView(answer.buffer, answer.byteOffset);
    if (view.getInt32(0) !== correlationId)
      return this.#failed('an answer to another request', answer, asked.bytes);
    const response = apiKey === undefined ? undefined : responseOf(apiKey);
    if (response === undefined) return;
    try {
      decodeResponse(response, apiVersion, answer);
    } catch (error) {
      this.#failed(`an answer that cannot be read (${String(error)})`, answer, asked.bytes);
    }
  }

  /** Kept for whoever looks after the peer: thrown here it would be the broker's to catch. */
  #failed(what: string, answer: Uint8Array, asked: Uint8Array = new Uint8Array(0)): void {
    this.failure ??= new Error(`${what}: ${hex(answer).slice(0, 400)} to ${hex(asked)}`);
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
