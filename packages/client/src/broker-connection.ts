/**
 * One connection to one broker: requests go out as they come, answers come back in the same order (Kafka's rule) and are matched by
 * correlation id. The versions are agreed upon before anything else is sent (KIP-511, KIP-35).
 *
 * A request that is not answered in time ends the connection: the answers behind it could not be told from its own late one.
 */
import type { Connection, ConnectionHandler, Endpoint, TimerHandle } from '@odradek/ports';
import {
  ErrorCode,
  FrameReader,
  correlationIdOf,
  decodeResponse,
  encodeRequest,
} from '@odradek/protocol';
import type { ApiVersionsResponse, Message } from '@odradek/protocol';
import { apiVersionsApi } from './api.ts';
import type { Api } from './api.ts';
import {
  ClientClosed,
  ConnectionLost,
  ProtocolViolation,
  RequestTimedOut,
  UnsupportedApi,
  formatEndpoint,
} from './errors.ts';
import type { ClientError, ClientErrorOptions } from './errors.ts';
import type { ClientHost } from './host.ts';

/** Kafka's own default for the largest request is 100 MiB; an answer may hold one batch more than was asked for. */
const RESPONSE_BYTES_MAX = 128 * 1024 * 1024;
/** Requests that wait until the network takes more. The producer and the consumer bound theirs far below. */
const QUEUED_REQUESTS_MAX = 1000;
const CORRELATION_ID_MAX = 2 ** 31 - 1;

export interface ConnectionOptions {
  readonly clientId: string;
  readonly requestTimeoutMs: number;
}

interface Pending {
  readonly apiName: string;
  readonly settle: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  readonly timer: TimerHandle;
}

type VersionRange = readonly [min: number, max: number];

export class BrokerConnection {
  readonly endpoint: Endpoint;
  readonly #host: ClientHost;
  readonly #options: ConnectionOptions;
  readonly #connection: Connection;
  /** In the order of the requests. */
  readonly #pending = new Map<number, Pending>();
  readonly #ranges = new Map<number, VersionRange>();
  /** Encoded in order, while the network asks to wait. */
  #queued: (readonly Uint8Array[])[] = [];
  #isCongested = false;
  #lostListeners: ((reason: Error) => void)[] = [];
  #nextCorrelationId = 0;
  #failure: Error | undefined;

  /** Connects and agrees on versions. */
  static async open(
    host: ClientHost,
    endpoint: Endpoint,
    options: ConnectionOptions,
  ): Promise<BrokerConnection> {
    const connection = await host.dial(endpoint).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ConnectionLost(reason, { cause, broker: formatEndpoint(endpoint) });
    });
    const broker = new BrokerConnection(host, endpoint, options, connection);
    try {
      await broker.#agreeOnVersions();
    } catch (error) {
      broker.close();
      throw error;
    }
    return broker;
  }

  private constructor(
    host: ClientHost,
    endpoint: Endpoint,
    options: ConnectionOptions,
    connection: Connection,
  ) {
    this.endpoint = endpoint;
    this.#host = host;
    this.#options = options;
    this.#connection = connection;
    connection.start(this.#handler());
  }

  /** Once, when the connection is of no use any more; at once when it is already. */
  onLost(listener: (reason: Error) => void): void {
    if (this.#failure !== undefined) listener(this.#failure);
    else this.#lostListeners.push(listener);
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** The highest version that both sides know; throws UnsupportedApi when there is none. */
  versionOf<In, Out>(api: Api<In, Out>): number {
    const { info } = api.request;
    const range = this.#ranges.get(info.key ?? -1);
    const name = info.name.replace(/Request$/, '');
    if (range === undefined)
      throw new UnsupportedApi(`${formatEndpoint(this.endpoint)} does not offer ${name}`);
    const version = Math.min(api.maxVersion, range[1]);
    if (version < Math.max(info.versions[0], range[0])) {
      throw new UnsupportedApi(
        `${formatEndpoint(this.endpoint)} offers ${name} in versions ${range[0]} to ${range[1]}, this client speaks ${info.versions[0]} to ${api.maxVersion}`,
      );
    }
    return version;
  }

  async request<In, Out>(
    api: Api<In, Out>,
    body: NoInfer<In>,
    timeoutMs = this.#options.requestTimeoutMs,
  ): Promise<Out> {
    const version = this.versionOf(api);
    const bytes = await this.#exchange(api.request, version, body, timeoutMs);
    return decodeResponse(api.response, version, bytes).body;
  }

  /** For requests that have no answer: Produce with acks=0. */
  tell<In>(api: Api<In, unknown>, body: NoInfer<In>): void {
    if (this.#failure !== undefined) throw this.#failure;
    const version = this.versionOf(api);
    const identity = { correlationId: this.#takeCorrelationId(), clientId: this.#options.clientId };
    this.#write(encodeRequest(api.request, version, identity, body));
  }

  /** Requests that still wait are rejected. */
  close(): void {
    this.#fail(new ClientClosed(`the connection to ${formatEndpoint(this.endpoint)} was closed`));
    this.#connection.close();
  }

  async #agreeOnVersions(): Promise<void> {
    const { apiKeys } = await this.#askVersions(apiVersionsApi.maxVersion);
    for (const { apiKey, minVersion, maxVersion } of apiKeys)
      this.#ranges.set(apiKey, [minVersion, maxVersion]);
  }

  /** A broker that does not know the version answers in version 0 and names its own range. */
  async #askVersions(version: number): Promise<ApiVersionsResponse> {
    const body = { clientSoftwareName: 'odradek', clientSoftwareVersion: '0.1.0' };
    const bytes = await this.#exchange(
      apiVersionsApi.request,
      version,
      body,
      this.#options.requestTimeoutMs,
    );
    const errorCode = new DataView(bytes.buffer, bytes.byteOffset).getInt16(4);
    if (errorCode === ErrorCode.NONE)
      return decodeResponse(apiVersionsApi.response, version, bytes).body;
    const known =
      version > 0 && errorCode === ErrorCode.UNSUPPORTED_VERSION
        ? decodeResponse(apiVersionsApi.response, 0, bytes).body.apiKeys
        : [];
    if (version === 0)
      throw new ProtocolViolation(
        `${formatEndpoint(this.endpoint)} refuses to tell its versions (error ${errorCode})`,
      );
    const range = known.find(({ apiKey }) => apiKey === apiVersionsApi.request.info.key);
    return this.#askVersions(range === undefined ? 0 : Math.min(version - 1, range.maxVersion));
  }

  #exchange<In>(
    request: Message<unknown, In>,
    version: number,
    body: NoInfer<In>,
    timeoutMs: number,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      if (this.#queued.length >= QUEUED_REQUESTS_MAX)
        throw new RequestTimedOut(
          `${formatEndpoint(this.endpoint)} takes nothing more: ${QUEUED_REQUESTS_MAX} requests wait`,
          this.#about(),
        );
      const correlationId = this.#takeCorrelationId();
      const apiName = request.info.name.replace(/Request$/, '');
      // Encoded first: a body that cannot be encoded must leave nothing behind.
      const chunks = encodeRequest(
        request,
        version,
        { correlationId, clientId: this.#options.clientId },
        body,
      );
      const timer = this.#host.clock.setTimeout(() => this.#giveUp(apiName, timeoutMs), timeoutMs);
      this.#pending.set(correlationId, { apiName, settle: resolve, reject, timer });
      this.#write(chunks);
    });
  }

  #write(chunks: readonly Uint8Array[]): void {
    if (this.#isCongested) this.#queued.push(chunks);
    else this.#isCongested = !this.#connection.send(chunks);
  }

  #drain(): void {
    this.#isCongested = false;
    const waiting = this.#queued;
    this.#queued = [];
    for (const chunks of waiting) this.#write(chunks);
  }

  #about(cause?: unknown): ClientErrorOptions {
    return { broker: formatEndpoint(this.endpoint), ...(cause !== undefined && { cause }) };
  }

  #takeCorrelationId(): number {
    const id = this.#nextCorrelationId;
    this.#nextCorrelationId = id === CORRELATION_ID_MAX ? 0 : id + 1;
    return id;
  }

  #handler(): ConnectionHandler {
    const frames = new FrameReader({
      frameBytesMax: RESPONSE_BYTES_MAX,
      onFrame: (bytes, owned) => this.#receive(owned ? bytes : bytes.slice()),
    });
    return {
      onBytes: (chunk, owned) => {
        try {
          frames.push(chunk, owned);
        } catch (cause) {
          this.#fail(
            new ProtocolViolation(
              `${formatEndpoint(this.endpoint)} sent what is no answer${guessSpeech(chunk)}`,
              this.#about(cause),
            ),
          );
          this.#connection.destroy();
        }
      },
      onDrain: () => this.#drain(),
      onClose: (cause) =>
        this.#fail(
          new ConnectionLost(
            `${formatEndpoint(this.endpoint)} closed the connection`,
            this.#about(cause),
          ),
        ),
    };
  }

  #receive(bytes: Uint8Array): void {
    const correlationId = correlationIdOf(bytes);
    const [expected] = this.#pending.keys();
    const pending = this.#pending.get(correlationId);
    if (pending === undefined || correlationId !== expected)
      throw new ProtocolViolation(
        `answer ${correlationId} came when ${expected ?? 'none'} was due`,
      );
    this.#pending.delete(correlationId);
    this.#host.clock.clearTimeout(pending.timer);
    pending.settle(bytes);
  }

  #giveUp(apiName: string, timeoutMs: number): void {
    this.#fail(
      new RequestTimedOut(
        `${formatEndpoint(this.endpoint)} did not answer ${apiName} within ${timeoutMs} ms`,
        this.#about(),
      ),
    );
    this.#connection.destroy();
  }

  /** Only the first reason counts. */
  #fail(failure: ClientError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    for (const { timer, reject } of this.#pending.values()) {
      this.#host.clock.clearTimeout(timer);
      reject(failure);
    }
    this.#pending.clear();
    this.#queued = [];
    const listeners = this.#lostListeners;
    this.#lostListeners = [];
    for (const listener of listeners) listener(failure);
  }
}

/** The first bytes tell who speaks at a port that is not Kafka's. */
function guessSpeech(chunk: Uint8Array): string {
  const [first, second, third, fourth] = chunk;
  if (first === 0x48 && second === 0x54 && third === 0x54 && fourth === 0x50)
    return " but HTTP: this is a web server's port; brokers listen elsewhere, or are reached over WebSocket there";
  if (first === 0x15 && second === 0x03) return ' but TLS: the port wants an encrypted connection';
  return ': is this the port of a broker?';
}
