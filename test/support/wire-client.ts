/**
 * A client with nothing in it: requests as they are, pipelined, over a connection of its own. It retries nothing, hides
 * nothing and can send bytes that no client would.
 */
import type { Connection, Dial, Endpoint } from '@odradek/ports';
import {
  FrameReader,
  correlationIdOf,
  decodeResponse,
  encodeRequest,
  type Body,
  type Input,
  type Message,
} from '@odradek/protocol';
import { createTcpDial } from '@odradek/transport/tcp';

/** A request with its response: `{ request: metadataRequest, response: metadataResponse }`. */
export interface Api<Request extends Message, Response extends Message> {
  readonly request: Request;
  readonly response: Response;
}

export class ConnectionGone extends Error {
  override readonly name = 'ConnectionGone';
}

const RESPONSE_BYTES_MAX = 2 ** 30;
const dialTcp = createTcpDial();

export class WireClient {
  readonly connection: Connection;
  /** Resolves when the connection has ended, from whichever side; with the network's error if there was one. */
  readonly closed: Promise<Error | undefined>;
  isClosed = false;
  bytesReceived = 0;
  #correlationId = 0;
  readonly #waiting = new Map<
    number,
    { answer(bytes: Uint8Array): void; gone(error: Error): void }
  >();

  static async connect(endpoint: Endpoint, dial: Dial = dialTcp): Promise<WireClient> {
    return new WireClient(await dial(endpoint));
  }

  constructor(connection: Connection) {
    this.connection = connection;
    const frames = new FrameReader({
      frameBytesMax: RESPONSE_BYTES_MAX,
      onFrame: (bytes, owned) => {
        const answer = owned ? bytes : bytes.slice();
        const id = correlationIdOf(answer);
        const waiting = this.#waiting.get(id);
        this.#waiting.delete(id);
        waiting?.answer(answer);
      },
    });
    this.closed = new Promise((resolve) => {
      connection.start({
        onBytes: (chunk, owned) => {
          this.bytesReceived += chunk.byteLength;
          frames.push(chunk, owned);
        },
        onDrain: () => {},
        onClose: (cause) => {
          this.isClosed = true;
          const gone = new ConnectionGone('the broker closed the connection', { cause });
          for (const waiting of this.#waiting.values()) waiting.gone(gone);
          this.#waiting.clear();
          resolve(cause);
        },
      });
    });
  }

  /** Requests that wait for their answers. */
  get pending(): number {
    return this.#waiting.size;
  }

  request<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    version: number,
    body: Input<Request>,
  ): Promise<Body<Response>> {
    const id = ++this.#correlationId;
    const identity = { correlationId: id, clientId: 'wire' };
    const chunks = encodeRequest(api.request as Message, version, identity, body as never);
    return this.exchange(id, chunks).then(
      (answer) => decodeResponse(api.response, version, answer).body as Body<Response>,
    );
  }

  /** Sends a whole frame and gives the whole answer to its correlation id, without its length. */
  exchange(correlationId: number, chunks: readonly Uint8Array[]): Promise<Uint8Array> {
    return new Promise((answer, gone) => {
      if (this.isClosed) return gone(new ConnectionGone('the connection is closed'));
      this.#waiting.set(correlationId, { answer, gone });
      this.connection.send(chunks);
    });
  }

  sendBytes(bytes: Uint8Array): void {
    this.connection.send([bytes]);
  }

  close(): void {
    this.connection.destroy();
  }
}
