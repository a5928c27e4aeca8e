/**
 * One client connection: cuts the stream into requests, hands each to its handler, and sends the answers in the order of
 * the requests, whatever order they are done in (Kafka's rule; facts: trap 11). Unlike Kafka it does not wait for one
 * answer before it reads the next request: produces of one connection so share a flush.
 *
 * Limits: requests and bytes under way, unsent answers, and one budget over all connections; over any of them the
 * connection is paused and its bytes stay in the network. Whatever breaks the protocol closes this connection and no other.
 *
 * Invariant: what is taken from the budget is given back when the request's answer is sent, or the connection ends.
 */
import type { Clock, Connection, Logger, TimerHandle } from '@odradek/ports';
import {
  ApiKey,
  FrameReader,
  MalformedFrame,
  decode,
  decodeRequestHeader,
  encodeResponse,
} from '@odradek/protocol';
import {
  COUNTED_WORK_MS_MIN,
  REQUEST_BYTES_IN_FLIGHT_PER_CONNECTION_MAX,
  RESPONSE_BYTES_BUFFERED_PER_CONNECTION_MAX,
  WORK_MS_BETWEEN_RESTS,
} from '../limits.ts';
import {
  CLOSE_CONNECTION,
  NO_RESPONSE,
  UNSUPPORTED_API_VERSIONS,
  type Handler,
  type RequestContext,
} from '../handlers/handler.ts';
import type { RequestMetrics } from '../metrics/request-metrics.ts';
import type { BrokerServices } from '../services.ts';
import type { RequestBudget } from './request-budget.ts';

export interface ClientConnectionOptions {
  readonly id: string;
  readonly connection: Connection;
  readonly listenerName: string;
  readonly broker: BrokerServices;
  readonly handlers: ReadonlyMap<number, Handler>;
  readonly requestBytesMax: number;
  readonly requestsInFlightMax: number;
  readonly budget: RequestBudget;
  readonly metrics: RequestMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What the connection's machine is told. */
  readonly events: {
    requestUnderstood(): void;
    /** The answers up to here are the last. */
    endWanted(reason: string): void;
    answersSent(): void;
    ruleBroken(reason: string): void;
    peerClosed(): void;
  };
}

interface Slot {
  readonly handler: Handler;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly requestBytes: number;
  readonly startedAtMs: number;
  isParked: boolean;
  /** Undefined while the answer is not there; null when none is sent. */
  answer: readonly Uint8Array[] | null | undefined;
  closesConnection: boolean;
}

export class ClientConnection {
  readonly id: string;
  readonly #options: ClientConnectionOptions;
  readonly #frames: FrameReader;
  readonly #clientHost: string;
  /** Requests under way, in the order they came. */
  #slots: Slot[] = [];
  /** Whole requests that came while there was no room: at most what one chunk of the network held. */
  #backlog: Uint8Array[] = [];
  /** Of the backlog. */
  #head = 0;
  readonly #closeListeners = new Set<() => void>();
  #bytesInFlight = 0;
  /** Of what was sent, as the budget knows it. */
  #unsentBytes = 0;
  #isPaused = false;
  /** Since its last rest. */
  #workedMs = 0;
  /** Running while the others have their turn. */
  #rest: TimerHandle | undefined;
  #isFlushScheduled = false;
  #isDraining = false;
  #isClosed = false;
  #isUnderstood = false;
  #lastActivityMs: number;

  constructor(options: ClientConnectionOptions) {
    this.id = options.id;
    this.#options = options;
    this.#clientHost = `/${hostOf(options.connection.remoteAddress)}`;
    this.#lastActivityMs = options.clock.monotonicMs();
    this.#frames = new FrameReader({
      frameBytesMax: options.requestBytesMax,
      onFrame: (frame, owned) => this.#receive(frame, owned),
    });
  }

  /** When bytes came or answers went. */
  get lastActivityMs(): number {
    return this.#lastActivityMs;
  }

  /** Requests whose answers are owed. */
  get requestsInFlight(): number {
    return this.#slots.length + this.#backlog.length - this.#head;
  }

  start(): void {
    this.#options.connection.start({
      onBytes: (chunk, owned) => this.#onBytes(chunk, owned),
      onDrain: () => this.#onDrain(),
      onClose: (cause) => this.#onClose(cause),
    });
  }

  /** Machine's effect: no more requests are read; the answers owed are still sent. */
  stopReading(): void {
    this.#isDraining = true;
    this.#forgetBacklog();
    this.#pause();
    // Long polls are answered now with what they have.
    this.#endWaits();
    this.#scheduleFlush();
  }

  closeGently(): void {
    this.#options.connection.close();
  }

  cutOff(): void {
    this.#options.connection.destroy();
  }

  /** Machine's effect on `closed`: waits are told, budgets given back. */
  release(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#rest !== undefined) this.#options.clock.clearTimeout(this.#rest);
    this.#options.budget.forget(this.#proceed);
    this.#forgetBacklog();
    this.#noteUnsent(0);
    this.#giveBack(this.#slots.splice(0));
    this.#endWaits();
  }

  #endWaits(): void {
    const listeners = [...this.#closeListeners];
    this.#closeListeners.clear();
    for (const listener of listeners) listener();
  }

  #onBytes(chunk: Uint8Array, owned: boolean): void {
    if (this.#isClosed || this.#isDraining) return;
    this.#lastActivityMs = this.#options.clock.monotonicMs();
    this.#options.metrics.bytesIn += chunk.byteLength;
    try {
      this.#frames.push(chunk, owned);
    } catch (error) {
      this.#breakRule(error);
    }
  }

  #receive(frame: Uint8Array, owned: boolean): void {
    if (this.#isClosed || this.#isDraining) return;
    if (this.#head < this.#backlog.length || !this.#hasRoom()) {
      this.#backlog.push(owned ? frame : frame.slice());
      this.#pause();
      return;
    }
    this.#process(frame, owned);
  }

  #process(frame: Uint8Array, owned: boolean): void {
    const { broker, handlers, clock, logger, budget } = this.#options;
    let slot: Slot | undefined;
    try {
      // A request that outlives this call must not look into a buffer which the transport fills anew. Produce alone is
      // decided within it, and its log copies what it keeps.
      const isProduce = frame[0] === 0 && frame[1] === ApiKey.Produce;
      const header = decodeRequestHeader(owned || isProduce ? frame : frame.slice());
      const handler = handlers.get(header.apiKey);
      if (handler === undefined) {
        throw new MalformedFrame(`API key ${header.apiKey} is unknown or not supported`);
      }
      const apiVersion = versionOf(handler, header.apiVersion);
      const isTooNew = apiVersion === UNSUPPORTED_API_VERSIONS;
      const body = isTooNew ? {} : decode(handler.request, apiVersion, header.body);
      if (!this.#isUnderstood) {
        this.#isUnderstood = true;
        this.#options.events.requestUnderstood();
      }
      slot = {
        handler,
        apiVersion: isTooNew ? 0 : apiVersion,
        correlationId: header.correlationId,
        requestBytes: frame.byteLength,
        startedAtMs: clock.monotonicMs(),
        isParked: false,
        answer: undefined,
        closesConnection: false,
      };
      this.#slots.push(slot);
      this.#bytesInFlight += slot.requestBytes;
      budget.take(slot.requestBytes);
      const answer =
        broker.forwarding?.forward(handler, apiVersion, body) ??
        handler.handle(broker, body as never, this.#contextOf(apiVersion, header.clientId));
      if (answer instanceof Promise) {
        const waiting = slot;
        answer.then(
          (it) => this.#complete(waiting, it),
          (error: unknown) => this.#fail(waiting, error),
        );
        if (handler.isLongPoll) this.#park(slot);
      } else this.#complete(slot, answer);
      this.#noteWork(clock.monotonicMs() - slot.startedAtMs);
    } catch (error) {
      if (error instanceof MalformedFrame) this.#breakRule(error);
      else if (slot !== undefined) this.#fail(slot, error);
      else {
        logger.error('a request could not be read', { error });
        this.#breakRule(error);
      }
    }
  }

  #noteWork(tookMs: number): void {
    if (tookMs < COUNTED_WORK_MS_MIN) return;
    this.#workedMs += tookMs;
    if (this.#workedMs < WORK_MS_BETWEEN_RESTS || this.#rest !== undefined) return;
    this.#workedMs = 0;
    // Others need several turns for one answer: after very long work they get some in a row.
    const restMs = tookMs < WORK_MS_BETWEEN_RESTS ? 0 : tookMs / 2;
    this.#rest = this.#options.clock.setTimeout(() => {
      this.#rest = undefined;
      this.#proceed();
    }, restMs);
  }

  #contextOf(apiVersion: number, clientId: string | null): RequestContext {
    return {
      apiVersion,
      clientId: clientId ?? '',
      clientHost: this.#clientHost,
      listenerName: this.#options.listenerName,
      onClosed: this.#whenClosed,
    };
  }

  readonly #whenClosed = (listener: () => void): (() => void) => {
    if (this.#isClosed || this.#isDraining) {
      void Promise.resolve().then(listener);
      return () => {};
    }
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  };

  #park(slot: Slot): void {
    if (this.#isClosed) return;
    slot.isParked = true;
    this.#options.budget.park(slot.requestBytes);
  }

  #complete(slot: Slot, answer: unknown): void {
    if (this.#isClosed) return;
    if (answer === NO_RESPONSE || answer === CLOSE_CONNECTION) {
      slot.answer = null;
      slot.closesConnection = answer === CLOSE_CONNECTION;
    } else {
      try {
        slot.answer = encodeResponse(
          slot.handler.response,
          slot.apiVersion,
          slot.correlationId,
          answer,
        );
      } catch (error) {
        this.#fail(slot, error);
        return;
      }
    }
    // Behind one that is not done yet it waits for its turn: then that one flushes.
    if (this.#slots[0]?.answer !== undefined) this.#scheduleFlush();
  }

  /** A defect of ours: the client gets no guess for an answer, and nobody else is harmed. */
  #fail(slot: Slot, error: unknown): void {
    if (this.#isClosed) return;
    this.#options.logger.error(`${slot.handler.name} v${slot.apiVersion} failed`, {
      error,
      connection: this.id,
    });
    this.#options.metrics.failed(slot.handler.name);
    this.#options.events.ruleBroken(`internal error in ${slot.handler.name}`);
  }

  #breakRule(error: unknown): void {
    this.#options.events.ruleBroken(error instanceof Error ? error.message : String(error));
  }

  /** The answers that became ready in one turn of the event loop go out in one write. */
  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    void Promise.resolve().then(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushScheduled = false;
    if (this.#isClosed) return;
    const done = this.#takeDone();
    const last = done.at(-1);
    if (last !== undefined) this.#send(done);
    if (this.#isClosed) return;
    if (last?.closesConnection === true) {
      // What came behind it is not answered, as Kafka would not have read it.
      this.#giveBack(this.#slots.splice(0));
      this.#options.events.endWanted('a produce with acks=0 failed');
      return;
    }
    if (this.#isDraining) {
      if (this.#slots.length === 0) this.#options.events.answersSent();
      return;
    }
    this.#proceed();
  };

  /** The answers whose turn it is, up to one that ends the connection. */
  #takeDone(): Slot[] {
    let count = 0;
    while (count < this.#slots.length && this.#slots[count]!.answer !== undefined) {
      count += 1;
      if (this.#slots[count - 1]!.closesConnection) break;
    }
    return this.#slots.splice(0, count);
  }

  #send(done: readonly Slot[]): void {
    const { connection, metrics, clock } = this.#options;
    const now = clock.monotonicMs();
    this.#lastActivityMs = now;
    const chunks: Uint8Array[] = [];
    for (const { handler, startedAtMs, answer } of done) {
      metrics.answered(handler.name, now - startedAtMs);
      for (const chunk of answer ?? []) {
        chunks.push(chunk);
        metrics.bytesOut += chunk.byteLength;
      }
    }
    if (chunks.length > 0 && !connection.send(chunks)) this.#noteUnsent(connection.bufferedBytes);
    this.#giveBack(done);
  }

  /** Requests that left `#slots`. */
  #giveBack(slots: readonly Slot[]): void {
    const { budget } = this.#options;
    let workedBytes = 0;
    let workedCount = 0;
    for (const { requestBytes, isParked } of slots) {
      this.#bytesInFlight -= requestBytes;
      if (isParked) budget.unpark(requestBytes, 1);
      else {
        workedBytes += requestBytes;
        workedCount += 1;
      }
    }
    if (workedCount > 0) budget.give(workedBytes, workedCount);
  }

  #noteUnsent(unsentBytes: number): void {
    if (unsentBytes === this.#unsentBytes) return;
    this.#options.budget.unsent(unsentBytes - this.#unsentBytes);
    this.#unsentBytes = unsentBytes;
  }

  #hasRoom(): boolean {
    return (
      this.#rest === undefined &&
      this.#slots.length < this.#options.requestsInFlightMax &&
      this.#bytesInFlight < REQUEST_BYTES_IN_FLIGHT_PER_CONNECTION_MAX &&
      this.#options.connection.bufferedBytes < RESPONSE_BYTES_BUFFERED_PER_CONNECTION_MAX &&
      this.#options.budget.hasRoom
    );
  }

  /** There may be room again: takes up what waited, then reads on. */
  readonly #proceed = (): void => {
    if (this.#isClosed || this.#isDraining || !this.#isPaused) return;
    while (this.#head < this.#backlog.length && this.#hasRoom()) {
      this.#process(this.#backlog[this.#head++]!, true);
      if (this.#isClosed || this.#isDraining) return;
    }
    if (this.#head < this.#backlog.length || !this.#hasRoom()) {
      if (!this.#options.budget.hasRoom) this.#options.budget.whenRoom(this.#proceed);
      return;
    }
    this.#forgetBacklog();
    this.#isPaused = false;
    this.#options.connection.resume();
  };

  #forgetBacklog(): void {
    this.#backlog = [];
    this.#head = 0;
  }

  #pause(): void {
    if (!this.#isDraining && !this.#options.budget.hasRoom)
      this.#options.budget.whenRoom(this.#proceed);
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#options.connection.pause();
  }

  #onDrain(): void {
    if (this.#isClosed) return;
    this.#noteUnsent(0);
    this.#proceed();
  }

  #onClose(cause: Error | undefined): void {
    if (cause !== undefined) {
      this.#options.logger.debug('connection lost', { connection: this.id, error: cause });
    }
    this.#options.events.peerClosed();
  }
}

/** The version to decode and answer in. A client that asks too new for the versions themselves must get an answer that it can read (KIP-511). */
const versionOf = (handler: Handler, asked: number): number => {
  const [versionMin, versionMax] = handler.versions;
  if (asked >= versionMin && asked <= versionMax) return asked;
  if (handler.key === ApiKey.ApiVersions) return UNSUPPORTED_API_VERSIONS;
  throw new MalformedFrame(`version ${asked} of ${handler.name} is not supported`);
};

/** The address without its port. */
export const hostOf = (address: string): string => {
  const colon = address.lastIndexOf(':');
  return colon < 0 ? address : address.slice(0, colon);
};
