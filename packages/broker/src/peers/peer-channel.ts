/**
 * Requests and answers between two members of a cluster, both ways over one connection. The bodies are Kafka's own
 * (packages/protocol); the frame around them says whether it asks or answers, since either end may ask:
 *
 *   int32 length, int8 kind, then
 *     hello     who the sender is (hello.ts); the first frame in each direction
 *     request   int32 correlationId, int16 apiKey, int16 apiVersion, body
 *     response  int32 correlationId, body
 *     refusal   int32 correlationId, why in UTF-8: the request could not be handled at all
 *     farewell  why in UTF-8: the sender closes
 *     ping      nothing more: is anybody there? (liveness.ts)
 *     pong      nothing more
 *
 * Invariant: nothing is asked or handled before both have said hello and were found to belong together. Whatever breaks these
 * rules ends the channel, and every question that is open on it is answered with PeerError.
 */
import type { Clock, Connection, TimerHandle } from '@odradek/ports';
import {
  FrameReader,
  decode,
  encode,
  frame,
  utf8Decode,
  utf8Encode,
  type Body,
  type Input,
  type Message,
  type NodeId,
} from '@odradek/protocol';
import { decodeHello, encodeHello, whyRefused, type Hello } from './hello.ts';
import { Liveness, PEER_SILENCE_MS_MAX } from './liveness.ts';

const HELLO = 0;
const REQUEST = 1;
const RESPONSE = 2;
const REFUSAL = 3;
const FAREWELL = 4;
const PING = 5;
const PONG = 6;

const CORRELATION_BYTES = 4;
const KIND_BYTES = 1;
const API_BYTES = 4;

/** Largest frame between peers: a fetch's answer, or a piece of a snapshot. */
export const PEER_FRAME_BYTES_MAX = 128 * 1024 * 1024;
/** Before the other end is known it gets no more of our memory. */
const BYTES_MAX_BEFORE_HELLO = 8 * 1024;
/** Questions that one end may leave open; the next one is refused at once. */
export const PEER_QUESTIONS_MAX = 1_024;
export const HELLO_TIMEOUT_MS = 10_000;
const REASON_BYTES_MAX = 1_024;

/** There is no answer: the peer is away, was cut off, refused, or took too long. The request may have been handled all the same. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
}

/** Nothing was sent: the request has certainly not been handled. */
export class NotAskedError extends PeerError {}

/** The other end does not belong here, or says that this one does not belong there. */
export class StrangerError extends PeerError {}

export interface PeerApi<Request extends Message, Response extends Message> {
  readonly request: Request;
  readonly response: Response;
  readonly version: number;
}

export interface PeerRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Owned: it may be kept. */
  readonly body: Uint8Array;
}

/** Answers a member's request with the encoded body of the answer. What it throws is told to the asker as a refusal. */
export type AnswerPeer = (
  from: Hello,
  request: PeerRequest,
) => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;

export interface PeerChannelOptions {
  readonly connection: Connection;
  /** Asked for when it is sent: a new member learns its cluster's id. */
  readonly self: () => Hello;
  /** Whom this end means to reach; undefined when the other end has come by itself. */
  readonly expected: NodeId | undefined;
  readonly clock: Clock;
  readonly answer: AnswerPeer;
  /** A defect in answering; the asker is told no more than that. */
  readonly onDefect: (error: unknown, request: PeerRequest) => void;
}

interface Question {
  readonly response: Message;
  readonly version: number;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: TimerHandle;
}

export class PeerChannel {
  /** Resolves with the other end once both have said hello; rejects with PeerError. */
  readonly ready: Promise<Hello>;
  /** Resolves with the reason. */
  readonly closed: Promise<string>;
  readonly #options: PeerChannelOptions;
  readonly #questions = new Map<number, Question>();
  readonly #frames: FrameReader;
  #other: Hello | undefined;
  #lastId = 0;
  #helloTimer: TimerHandle | undefined;
  #liveness: Liveness | undefined;
  #isClosed = false;
  #onReady: (other: Hello) => void = () => {};
  #onRefused: (error: Error) => void = () => {};
  #onClosed: (reason: string) => void = () => {};

  constructor(options: PeerChannelOptions) {
    this.#options = options;
    this.ready = new Promise((resolve, reject) => {
      this.#onReady = resolve;
      this.#onRefused = reject;
    });
    // Whoever only waits for the end has no ear for this one.
    this.ready.catch(() => {});
    this.closed = new Promise((resolve) => (this.#onClosed = resolve));
    this.#frames = new FrameReader({
      frameBytesMax: PEER_FRAME_BYTES_MAX,
      onFrame: (bytes, owned) => this.#receive(owned ? bytes : bytes.slice()),
    });
    const { clock, connection } = options;
    this.#helloTimer = clock.setTimeout(
      () => this.#end(`${connection.remoteAddress} did not say who it is`, true),
      HELLO_TIMEOUT_MS,
    );
    connection.start({
      onBytes: (chunk, owned) => this.#onBytes(chunk, owned),
      onDrain: () => {},
      onClose: (cause) => this.#end(cause?.message ?? 'the peer closed the connection', false),
    });
    this.#send(HELLO, [encodeHello(options.self())]);
  }

  /** Undefined until it has said hello. */
  get other(): Hello | undefined {
    return this.#other;
  }

  get isUp(): boolean {
    return this.#other !== undefined && !this.#isClosed;
  }

  /** Rejects with PeerError, after `timeoutMs` at the latest. */
  ask<Request extends Message, Response extends Message>(
    api: PeerApi<Request, Response>,
    body: Input<Request>,
    timeoutMs: number,
  ): Promise<Body<Response>> {
    if (!this.isUp) return Promise.reject(new NotAskedError('the peer is not connected'));
    if (this.#questions.size >= PEER_QUESTIONS_MAX)
      return Promise.reject(
        new NotAskedError(`${PEER_QUESTIONS_MAX} requests to node ${this.#other?.nodeId} are open`),
      );
    const id = (this.#lastId = (this.#lastId + 1) | 0);
    const head = new Uint8Array(CORRELATION_BYTES + API_BYTES);
    const view = new DataView(head.buffer);
    view.setInt32(0, id);
    view.setInt16(CORRELATION_BYTES, api.request.info.key!);
    view.setInt16(CORRELATION_BYTES + 2, api.version);
    const chunks = [head, ...encode(api.request, api.version, body as never)];
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.setTimeout(() => {
        this.#questions.delete(id);
        reject(new PeerError(`node ${this.#other?.nodeId} did not answer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#questions.set(id, {
        response: api.response,
        version: api.version,
        resolve: resolve as (answer: unknown) => void,
        reject,
        timer,
      });
      this.#send(REQUEST, chunks);
    });
  }

  /** Tells the other end why. */
  close(reason: string): void {
    this.#end(reason, true);
  }

  #onBytes(chunk: Uint8Array, owned: boolean): void {
    if (this.#isClosed) return;
    this.#liveness?.heard();
    try {
      this.#frames.push(chunk, owned);
      if (this.#other === undefined && this.#frames.bufferedBytes > BYTES_MAX_BEFORE_HELLO)
        this.#end('a member says who it is in fewer bytes', true);
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error), true);
    }
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const kind = bytes[0];
    const rest = bytes.subarray(KIND_BYTES);
    if (kind === FAREWELL) return this.#end(reasonIn(rest), false, this.#other === undefined);
    if (this.#other === undefined)
      return kind === HELLO
        ? this.#meet(rest)
        : this.#end('a member must say who it is before anything else', true);
    if (kind === PING) return this.#send(PONG, []);
    if (kind === PONG) return;
    if (kind === REQUEST && rest.length >= CORRELATION_BYTES + API_BYTES) return this.#handle(rest);
    if ((kind === RESPONSE || kind === REFUSAL) && rest.length >= CORRELATION_BYTES)
      return this.#settle(kind, rest);
    this.#end(`a frame that no member sends (kind ${kind}, ${bytes.length} bytes)`, true);
  }

  #meet(bytes: Uint8Array): void {
    const { self, expected, clock, connection } = this.#options;
    const other = decodeHello(bytes);
    if (other === undefined)
      return this.#end(`${connection.remoteAddress} is no member of a cluster`, true);
    const refusal = whyRefused(self(), other, expected);
    if (refusal !== undefined) return this.#end(refusal, true, true);
    this.#other = other;
    if (this.#helloTimer !== undefined) clock.clearTimeout(this.#helloTimer);
    this.#helloTimer = undefined;
    this.#liveness = new Liveness({
      clock,
      ask: () => this.#send(PING, []),
      onDead: () => {
        this.#end(`nothing came from node ${other.nodeId} for ${PEER_SILENCE_MS_MAX} ms`, false);
        // What was sent to it will not be taken any more.
        connection.destroy();
      },
    });
    this.#onReady(other);
  }

  #handle(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const id = bytes.slice(0, CORRELATION_BYTES);
    const request: PeerRequest = {
      apiKey: view.getInt16(CORRELATION_BYTES),
      apiVersion: view.getInt16(CORRELATION_BYTES + 2),
      body: bytes.subarray(CORRELATION_BYTES + API_BYTES),
    };
    const refuse = (error: unknown): void => {
      // Said on purpose: a member that starts is asked before it is ready.
      if (!(error instanceof PeerError)) this.#options.onDefect(error, request);
      this.#send(REFUSAL, [
        id,
        reasonBytes(error instanceof Error ? error.message : String(error)),
      ]);
    };
    try {
      const answer = this.#options.answer(this.#other!, request);
      if (answer instanceof Promise)
        answer.then((body) => this.#send(RESPONSE, [id, ...body]), refuse);
      else this.#send(RESPONSE, [id, ...answer]);
    } catch (error) {
      refuse(error);
    }
  }

  #settle(kind: number, bytes: Uint8Array): void {
    const id = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0);
    const question = this.#questions.get(id);
    // It took too long, and nobody waits any more.
    if (question === undefined) return;
    this.#questions.delete(id);
    this.#options.clock.clearTimeout(question.timer);
    const body = bytes.subarray(CORRELATION_BYTES);
    if (kind === REFUSAL)
      return question.reject(
        new PeerError(`node ${this.#other?.nodeId} refused: ${reasonIn(body)}`),
      );
    let answer: unknown;
    try {
      answer = decode(question.response, question.version, body);
    } catch (error) {
      question.reject(new PeerError('the answer cannot be read', { cause: error }));
      return this.#end(`an answer that cannot be read: ${String(error)}`, true);
    }
    question.resolve(answer);
  }

  #send(kind: number, chunks: readonly Uint8Array[]): void {
    if (!this.#isClosed) this.#options.connection.send(frame([Uint8Array.of(kind), ...chunks]));
  }

  #end(reason: string, isTold: boolean, isRefusal = false): void {
    if (this.#isClosed) return;
    if (isTold) this.#send(FAREWELL, [reasonBytes(reason)]);
    this.#isClosed = true;
    const { clock, connection } = this.#options;
    if (this.#helloTimer !== undefined) clock.clearTimeout(this.#helloTimer);
    this.#liveness?.stop();
    connection.close();
    const questions = [...this.#questions.values()];
    this.#questions.clear();
    for (const { timer, reject } of questions) {
      clock.clearTimeout(timer);
      reject(new PeerError(`the connection to node ${this.#other?.nodeId} ended: ${reason}`));
    }
    this.#onRefused(isRefusal ? new StrangerError(reason) : new PeerError(reason));
    this.#onClosed(reason);
  }
}

const reasonBytes = (reason: string): Uint8Array =>
  utf8Encode(reason).subarray(0, REASON_BYTES_MAX);
const reasonIn = (bytes: Uint8Array): string => utf8Decode(bytes.subarray(0, REASON_BYTES_MAX));
