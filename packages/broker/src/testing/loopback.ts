/** A client that speaks the wire protocol to a broker in the same process, over a connection whose network the test can hold up. */
import type { Connection, ConnectionHandler } from '@odradek/ports';
import {
  FrameReader,
  correlationIdOf,
  decodeResponse,
  encodeRequest,
  type Body,
  type Input,
  type Message,
} from '@odradek/protocol';

export interface TestClient {
  request<Request extends Message, Response extends Message>(
    api: { readonly request: Request; readonly response: Response },
    version: number,
    body: Input<Request>,
    clientId?: string,
  ): Promise<Body<Response>>;
  /** Bytes as they are: for those who do not keep to the protocol. */
  sendBytes(bytes: Uint8Array): void;
  /** Whole answers, without their length. */
  readonly answers: readonly Uint8Array[];
  readonly closed: Promise<void>;
  readonly isClosed: boolean;
  /** Whether the broker has stopped reading. What is sent meanwhile waits in the network. */
  readonly isPaused: boolean;
  /** The client takes no answers until it is called with false. */
  stall(isStalled: boolean): void;
  /** The client leaves; with a cause it was torn away. */
  close(cause?: Error): void;
}

type Accept = (connection: Connection) => void;

/** The network holds so much before the broker is told to wait. */
const SEND_HIGH_WATER_BYTES = 64 * 1024;

let ports = 50_000;

export const connectTo = (accept: Accept, host = '127.0.0.1'): TestClient => {
  let handler: ConnectionHandler | undefined;
  let isClosed = false;
  let isPaused = false;
  let isStalled = false;
  let unsent: Uint8Array[] = [];
  const arriving: Uint8Array[] = [];
  let correlationId = 0;
  let onClosed: () => void = () => {};
  const closed = new Promise<void>((resolve) => (onClosed = resolve));
  const answers: Uint8Array[] = [];
  const waiting = new Map<number, (answer: Uint8Array) => void>();
  const reader = new FrameReader({
    frameBytesMax: 2 ** 30,
    onFrame(bytes) {
      const answer = bytes.slice();
      answers.push(answer);
      waiting.get(correlationIdOf(answer))?.(answer);
    },
  });
  const bufferedBytes = (): number => unsent.reduce((sum, it) => sum + it.byteLength, 0);
  const end = (cause?: Error): void => {
    if (isClosed) return;
    isClosed = true;
    unsent = [];
    onClosed();
    queueMicrotask(() => handler?.onClose(cause));
  };
  const deliver = (): void => {
    while (arriving.length > 0 && !isPaused && !isClosed && handler !== undefined) {
      handler.onBytes(arriving.shift()!, true);
    }
  };
  ports += 1;
  const connection: Connection = {
    remoteAddress: `${host}:${ports}`,
    start(it) {
      handler = it;
      queueMicrotask(() => (isClosed ? it.onClose() : deliver()));
    },
    send(chunks) {
      if (isClosed) return false;
      if (!isStalled) {
        for (const chunk of chunks) reader.push(chunk, false);
        return true;
      }
      unsent.push(...chunks);
      return bufferedBytes() < SEND_HIGH_WATER_BYTES;
    },
    get bufferedBytes() {
      return bufferedBytes();
    },
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      queueMicrotask(deliver);
    },
    close() {
      for (const chunk of unsent.splice(0)) reader.push(chunk, false);
      end();
    },
    destroy: () => end(),
  };
  accept(connection);
  const sendBytes = (bytes: Uint8Array): void => {
    if (isClosed) return;
    arriving.push(bytes);
    deliver();
  };
  return {
    answers,
    closed,
    get isClosed() {
      return isClosed;
    },
    get isPaused() {
      return isPaused;
    },
    stall(wished) {
      isStalled = wished;
      if (isStalled) return;
      for (const chunk of unsent.splice(0)) reader.push(chunk, false);
      handler?.onDrain();
    },
    close: end,
    sendBytes,
    request(api, version, body, clientId = 'test') {
      correlationId += 1;
      const id = correlationId;
      return new Promise((resolve, reject) => {
        waiting.set(id, (answer) => {
          waiting.delete(id);
          try {
            resolve(decodeResponse(api.response, version, answer).body as never);
          } catch (error) {
            reject(error);
          }
        });
        void closed.then(() => reject(new Error('the broker closed the connection')));
        const request = api.request as unknown as Message<unknown, unknown>;
        sendBytes(join(encodeRequest(request, version, { correlationId: id, clientId }, body)));
      });
    },
  };
};

export const join = (chunks: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(chunks.reduce((sum, it) => sum + it.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
};
