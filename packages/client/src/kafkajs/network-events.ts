/**
 * What goes over the wire, told as KafkaJS tells it: requests with their times, heartbeats, fetches. It looks at the first bytes of what is
 * sent and received (Kafka's headers begin alike in all versions), so that the client below knows nothing of it. When nobody listens it
 * costs a call a chunk.
 *
 * Invariant: a request is written by one `send`, and answers come in the order of requests (Kafka's rule).
 */
import type { Clock, Connection, ConnectionHandler, Dial } from '@odradek/ports';
import { ApiKey } from '@odradek/protocol';
import { formatEndpoint } from '../errors.ts';
import type { RequestPayload } from './types.ts';

export interface NetworkListener {
  sent(request: SentRequest): void;
  answered(request: RequestPayload): void;
  /** What was not answered when the connection was given up. */
  unanswered(request: SentRequest): void;
}

export type SentRequest = Omit<RequestPayload, 'duration' | 'size'>;

interface InFlight {
  readonly request: SentRequest;
  readonly sentAtMs: number;
}

const PREFIX_BYTES = 12;
/** More are not remembered. */
const IN_FLIGHT_MAX = 1000;
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ApiKey).map(([name, key]) => [key as number, name]),
);

export const observed =
  (dial: Dial, clock: Clock, clientId: string, listener: NetworkListener): Dial =>
  async (endpoint, signal) =>
    observe(await dial(endpoint, signal), formatEndpoint(endpoint), clock, clientId, listener);

function observe(
  connection: Connection,
  broker: string,
  clock: Clock,
  clientId: string,
  listener: NetworkListener,
): Connection {
  const inFlight = new Map<number, InFlight>();
  const answers = new AnswerHeads((correlationId, size) => {
    const found = inFlight.get(correlationId);
    if (found === undefined) return;
    // Those before it were not to be answered: Produce with acks=0.
    for (const earlier of inFlight.keys()) {
      inFlight.delete(earlier);
      if (earlier === correlationId) break;
    }
    const duration = Math.round(clock.monotonicMs() - found.sentAtMs);
    listener.answered({ ...found.request, duration, size });
  });
  return {
    get remoteAddress() {
      return connection.remoteAddress;
    },
    get bufferedBytes() {
      return connection.bufferedBytes;
    },
    start(handler: ConnectionHandler) {
      connection.start({
        onBytes(chunk, owned) {
          answers.push(chunk);
          handler.onBytes(chunk, owned);
        },
        onDrain: () => handler.onDrain(),
        onClose(cause) {
          for (const { request } of inFlight.values()) listener.unanswered(request);
          inFlight.clear();
          handler.onClose(cause);
        },
      });
    },
    send(chunks) {
      const head = headOf(chunks);
      if (head !== undefined) {
        const nowMs = clock.wallTimeMs();
        const request = {
          apiKey: head.getInt16(4),
          apiName: NAMES.get(head.getInt16(4)) ?? 'Unknown',
          apiVersion: head.getInt16(6),
          correlationId: head.getInt32(8),
          broker,
          clientId,
          createdAt: nowMs,
          sentAt: nowMs,
          pendingDuration: 0,
        };
        // A connection may never be answered at all.
        const [oldest] = inFlight.keys();
        if (inFlight.size >= IN_FLIGHT_MAX && oldest !== undefined) inFlight.delete(oldest);
        inFlight.set(request.correlationId, { request, sentAtMs: clock.monotonicMs() });
        listener.sent(request);
      }
      return connection.send(chunks);
    },
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => connection.close(),
    destroy() {
      for (const { request } of inFlight.values()) listener.unanswered(request);
      inFlight.clear();
      connection.destroy();
    },
  };
}

/** Length, API key, version and correlation id. */
function headOf(chunks: readonly Uint8Array[]): DataView | undefined {
  const head = new Uint8Array(PREFIX_BYTES);
  let filled = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, PREFIX_BYTES - filled);
    head.set(part, filled);
    filled += part.length;
    if (filled === PREFIX_BYTES) return new DataView(head.buffer);
  }
  return undefined;
}

const LENGTH_BYTES = 4;
const HEAD_BYTES = 8;

/** Walks a stream of answers from head to head. */
class AnswerHeads {
  readonly #onAnswer: (correlationId: number, size: number) => void;
  readonly #head = new DataView(new ArrayBuffer(HEAD_BYTES));
  #filled = 0;
  #skipBytes = 0;

  constructor(onAnswer: (correlationId: number, size: number) => void) {
    this.#onAnswer = onAnswer;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#skipBytes > 0) {
        const skipped = Math.min(this.#skipBytes, chunk.length - at);
        this.#skipBytes -= skipped;
        at += skipped;
        continue;
      }
      this.#head.setUint8(this.#filled++, chunk[at++]!);
      if (this.#filled < HEAD_BYTES) continue;
      this.#filled = 0;
      const size = this.#head.getInt32(0);
      this.#skipBytes = Math.max(0, size - (HEAD_BYTES - LENGTH_BYTES));
      this.#onAnswer(this.#head.getInt32(LENGTH_BYTES), size);
    }
  }
}
