/**
 * A broker of a few lines behind a Dial, for the client's tests: it speaks the real protocol, keeps topics in arrays, and fails on command.
 * Time stands still unless the test moves it.
 */
import { TransportError } from '@odradek/ports';
import type {
  Clock,
  Compression,
  Connection,
  ConnectionHandler,
  Dial,
  TimerHandle,
} from '@odradek/ports';
import { seededRandom } from '@odradek/ports/testing';
import {
  BatchView,
  ErrorCode,
  FrameReader,
  ZERO_UUID,
  apiVersionsRequest,
  apiVersionsResponse,
  crc32cJs,
  createTopicsRequest,
  createTopicsResponse,
  decode,
  decodeRequestHeader,
  deleteTopicsRequest,
  deleteTopicsResponse,
  describeConfigsRequest,
  describeConfigsResponse,
  encodeResponse,
  fetchRequest,
  fetchResponse,
  initProducerIdRequest,
  initProducerIdResponse,
  listOffsetsRequest,
  listOffsetsResponse,
  metadataRequest,
  metadataResponse,
  offset,
  produceRequest,
  produceResponse,
  setBaseOffset,
} from '@odradek/protocol';
import type { Body, Input, Message, RequestHeader } from '@odradek/protocol';
import type { ClientHost } from '../host.ts';

const FRAME_BYTES_MAX = 1024 * 1024;

interface FakePartition {
  /** And the epoch in which it leads. */
  leader: number;
  epoch: number;
  /** Where consumers are sent that tell their rack (KIP-392). */
  nearest: number | undefined;
  /** Where the nearest replica's log begins and ends; undefined: as the leader's. */
  nearestOffsets: readonly [start: number, end: number] | undefined;
  readonly batches: Uint8Array[];
  endOffset: number;
  /** The last five batches of each producer, as a broker remembers them. */
  readonly producers: Map<number, KnownBatch[]>;
}

interface KnownBatch {
  readonly epoch: number;
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
}

interface Registered {
  readonly request: Message;
  readonly response: Message<unknown, never>;
  readonly handle: (body: never, nodeId: number) => unknown;
}

export class FakeBroker {
  readonly topics = new Map<string, FakePartition[]>();
  readonly clock = new ManualClock();
  /** Names of the requests as they came: "Metadata v12". */
  readonly asked: string[] = [];
  /** And of which node: "Fetch of 2". */
  readonly askedOf: string[] = [];
  /** Error codes that the next requests of an API are answered with, by name. */
  readonly errors = new Map<string, number[]>();
  /** APIs whose next answer is lost with the connection, after the broker did what was asked. */
  readonly lostAnswers = new Set<string>();
  /** APIs that are never answered. */
  readonly silent = new Set<string>();
  /** Any first number from a producer that it does not know, as Kafka takes it. */
  takesUnknownSequences = false;
  /** The nodes of the cluster, by their ids; each is reached under its host. */
  readonly nodes = new Map([[1, 'fake']]);
  /** Whether a node that does not lead says who does (KIP-951). */
  tellsLeaders = false;
  /** How many requests a new leader refuses because it has not heard yet that it leads. */
  hearsLate = 0;
  apiVersionsMax = 4;
  messageBytesMax = 1024 * 1024;
  isUp = true;
  readonly #connections = new Set<FakeConnection>();
  readonly #handlers = new Map<number, Registered>();
  #nextProducerId = 1000;

  constructor() {
    this.#register(metadataRequest, metadataResponse, ({ topics, allowAutoTopicCreation }) =>
      this.#metadata(topics?.map(({ name }) => name ?? '') ?? null, allowAutoTopicCreation),
    );
    this.#register(initProducerIdRequest, initProducerIdResponse, () => ({
      producerId: this.#nextProducerId++,
      producerEpoch: 0,
      errorCode: this.#error('InitProducerId'),
    }));
    this.#register(produceRequest, produceResponse, ({ topicData }, nodeId) => ({
      responses: topicData.map(({ name, partitionData }) => ({
        name,
        partitionResponses: partitionData.map(({ index, records }) => ({
          index,
          ...(this.#notLeader(name, index, nodeId) ?? this.#append(name, index, records)),
        })),
      })),
      nodeEndpoints: this.#endpoints(),
    }));
    this.#register(fetchRequest, fetchResponse, ({ topics, rackId }, nodeId) => ({
      errorCode: this.#error('FetchSession'),
      responses: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(
          ({ partition, fetchOffset, currentLeaderEpoch, partitionMaxBytes }) => ({
            partitionIndex: partition,
            ...(this.#notServed(topic, partition, nodeId, currentLeaderEpoch) ??
              this.#elsewhere(topic, partition, nodeId, rackId) ??
              this.#read(topic, partition, fetchOffset, nodeId, partitionMaxBytes)),
          }),
        ),
      })),
      nodeEndpoints: this.#endpoints(),
    }));
    this.#register(listOffsetsRequest, listOffsetsResponse, ({ topics }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          errorCode: this.#error('ListOffsets'),
          offset: this.#find(name, partitionIndex, timestamp),
        })),
      })),
    }));
    this.#register(createTopicsRequest, createTopicsResponse, ({ topics }) => ({
      topics: topics.map(({ name, numPartitions, configs }) => {
        const errorCode =
          this.#error('CreateTopics') ||
          (this.topics.has(name) ? ErrorCode.TOPIC_ALREADY_EXISTS : ErrorCode.NONE);
        if (errorCode === ErrorCode.NONE) this.createTopic(name, Math.max(1, numPartitions));
        return {
          name,
          topicId: ZERO_UUID,
          errorCode,
          configs: configs.map((config) => ({ ...config, readOnly: false, isSensitive: false })),
        };
      }),
    }));
    this.#register(deleteTopicsRequest, deleteTopicsResponse, ({ topicNames }) => ({
      responses: topicNames.map((name) => ({
        name,
        topicId: ZERO_UUID,
        errorCode: this.topics.delete(name) ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      })),
    }));
    this.#register(describeConfigsRequest, describeConfigsResponse, ({ resources }) => ({
      results: resources.map(({ resourceType, resourceName }) => ({
        errorCode: this.topics.has(resourceName)
          ? ErrorCode.NONE
          : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        errorMessage: null,
        resourceType,
        resourceName,
        configs: [
          {
            name: 'cleanup.policy',
            value: 'compact',
            readOnly: false,
            configSource: 1,
            isSensitive: false,
            synonyms: [],
          },
          {
            name: 'retention.ms',
            value: '604800000',
            readOnly: false,
            configSource: 5,
            isSensitive: false,
            synonyms: [],
          },
        ],
      })),
    }));
  }

  get host(): ClientHost {
    return {
      dial: this.dial,
      clock: this.clock,
      random: seededRandom(1),
      compression: noCompression,
      crc32c: crc32cJs,
    };
  }

  readonly dial: Dial = ({ host, port }) => {
    if (!this.isUp)
      return Promise.reject(new TransportError(`${host}:${port} refused the connection`));
    const [nodeId] = [...this.nodes].find(([, each]) => each === host) ?? [1];
    const connection = new FakeConnection((bytes, self) => this.#answer(bytes, self, nodeId));
    this.#connections.add(connection);
    return Promise.resolve(connection);
  };

  createTopic(name: string, partitions: number): void {
    this.topics.set(
      name,
      Array.from({ length: partitions }, () => ({
        leader: 1,
        epoch: 0,
        nearest: undefined,
        nearestOffsets: undefined,
        batches: [],
        endOffset: 0,
        producers: new Map(),
      })),
    );
  }

  dropConnections(): void {
    for (const connection of this.#connections) connection.lose();
    this.#connections.clear();
  }

  #register<Request extends Message, Response extends Message<unknown, never>>(
    request: Request,
    response: Response,
    handle: (body: Body<Request>, nodeId: number) => Input<Response>,
  ): void {
    this.#handlers.set(request.info.key ?? -1, { request, response, handle });
  }

  #answer(bytes: Uint8Array, connection: FakeConnection, nodeId: number): void {
    const header = decodeRequestHeader(bytes);
    const { apiKey, apiVersion, correlationId } = header;
    if (apiKey === apiVersionsRequest.info.key) {
      this.asked.push(`ApiVersions v${apiVersion}`);
      connection.deliver(this.#versions(apiVersion, correlationId));
      return;
    }
    const { request } = this.#handlers.get(apiKey)!;
    const name = request.info.name.replace(/Request$/, '');
    this.asked.push(`${name} v${apiVersion}`);
    this.askedOf.push(`${name} of ${nodeId}`);
    if (this.silent.has(name)) return;
    const body = decode(request, apiVersion, header.body) as never;
    const waitMs =
      name === 'Fetch' && !this.#hasNews(body, nodeId)
        ? (body as Body<typeof fetchRequest>).maxWaitMs
        : 0;
    const hasNoAnswer = name === 'Produce' && (body as Body<typeof produceRequest>).acks === 0;
    const place = hasNoAnswer ? { chunks: undefined } : connection.reserve();
    const reply = (): void =>
      this.#reply(this.#handlers.get(apiKey)!, body, header, connection, place, nodeId);
    if (waitMs > 0) this.clock.setTimeout(reply, waitMs);
    else reply();
  }

  #reply(
    { request, response, handle }: Registered,
    body: never,
    { apiVersion, correlationId }: RequestHeader,
    connection: FakeConnection,
    place: Place,
    nodeId: number,
  ): void {
    const name = request.info.name.replace(/Request$/, '');
    const answer = handle(body, nodeId);
    if (name === 'Produce' && (body as Body<typeof produceRequest>).acks === 0) return;
    if (this.lostAnswers.delete(name)) connection.lose();
    else {
      const chunks = encodeResponse(response, apiVersion, correlationId, answer as never);
      connection.deliver(chunks, place);
    }
  }

  /** A fetch that finds nothing is held, as brokers do. */
  #hasNews({ topics, rackId }: Body<typeof fetchRequest>, nodeId: number): boolean {
    const isWrong = topics.some(({ topic, partitions }) =>
      partitions.some(
        ({ partition, currentLeaderEpoch }) =>
          this.#notServed(topic, partition, nodeId, currentLeaderEpoch) !== undefined ||
          this.#elsewhere(topic, partition, nodeId, rackId) !== undefined,
      ),
    );
    if (isWrong || (this.errors.get('FetchSession')?.length ?? 0) > 0) return true;
    if ((this.errors.get('Fetch')?.length ?? 0) > 0 || this.lostAnswers.has('Fetch')) return true;
    return topics.some(({ topic, partitions }) =>
      partitions.some(
        ({ partition, fetchOffset }) =>
          this.topics.get(topic)?.[partition]?.endOffset !== fetchOffset,
      ),
    );
  }

  #versions(apiVersion: number, correlationId: number): Uint8Array[] {
    if (apiVersion > this.apiVersionsMax) {
      const apiKeys = [{ apiKey: 18, minVersion: 0, maxVersion: this.apiVersionsMax }];
      const errorCode = ErrorCode.UNSUPPORTED_VERSION;
      return encodeResponse(apiVersionsResponse, 0, correlationId, { errorCode, apiKeys });
    }
    const apiKeys = [...this.#handlers.values()].map(({ request: { info } }) => ({
      apiKey: info.key ?? -1,
      minVersion: info.versions[0],
      maxVersion: info.versions[1],
    }));
    const errorCode = ErrorCode.NONE;
    return encodeResponse(apiVersionsResponse, apiVersion, correlationId, { errorCode, apiKeys });
  }

  #error(name: string): ErrorCode {
    return (this.errors.get(name)?.shift() ?? ErrorCode.NONE) as ErrorCode;
  }

  #metadata(names: readonly string[] | null, mayCreate: boolean): Input<typeof metadataResponse> {
    const topics = (names ?? [...this.topics.keys()]).map((name) => {
      const errorCode = this.#error('Metadata');
      if (mayCreate && errorCode === ErrorCode.NONE && !this.topics.has(name))
        this.createTopic(name, 1);
      const partitions = errorCode === ErrorCode.NONE ? this.topics.get(name) : undefined;
      return {
        errorCode:
          errorCode ||
          (partitions === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NONE),
        name,
        topicId: ZERO_UUID,
        partitions: (partitions ?? []).map(({ leader, epoch }, partitionIndex) => ({
          errorCode: ErrorCode.NONE,
          partitionIndex,
          leaderId: leader,
          leaderEpoch: epoch,
          replicaNodes: [1],
          isrNodes: [1],
          offlineReplicas: [],
        })),
      };
    });
    return {
      brokers: this.#endpoints(),
      clusterId: 'fake',
      controllerId: 1,
      topics,
    };
  }

  #endpoints(): { nodeId: number; host: string; port: number }[] {
    return [...this.nodes].map(([nodeId, host]) => ({ nodeId, host, port: 9092 }));
  }

  #notLeader(topic: string, index: number, nodeId: number) {
    const partition = this.topics.get(topic)?.[index];
    if (partition === undefined) return undefined;
    let { leader: leaderId, epoch: leaderEpoch } = partition;
    if (leaderId === nodeId) {
      if (this.hearsLate === 0) return undefined;
      this.hearsLate -= 1;
      leaderId = [...this.nodes.keys()].find((it) => it !== nodeId)!;
      leaderEpoch -= 1;
    }
    return {
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      baseOffset: -1,
      ...(this.tellsLeaders && { currentLeader: { leaderId, leaderEpoch } }),
    };
  }

  /** By who is neither the leader nor the nearest replica, or to who has an epoch that is over. */
  #notServed(topic: string, index: number, nodeId: number, epoch: number) {
    const partition = this.topics.get(topic)![index]!;
    const nothing = { highWatermark: -1, abortedTransactions: null, records: null };
    const isFenced = epoch >= 0 && epoch < partition.epoch;
    if (nodeId !== partition.nearest && nodeId !== partition.leader)
      return { ...nothing, ...this.#notLeader(topic, index, nodeId)! };
    return isFenced ? { ...nothing, errorCode: ErrorCode.FENCED_LEADER_EPOCH } : undefined;
  }

  /** The leader's word that another replica is nearer. */
  #elsewhere(topic: string, index: number, nodeId: number, rackId: string) {
    const { nearest, leader, endOffset } = this.topics.get(topic)![index]!;
    if (rackId === '' || nearest === undefined || nodeId !== leader) return undefined;
    return {
      errorCode: ErrorCode.NONE,
      highWatermark: endOffset,
      abortedTransactions: null,
      preferredReadReplica: nearest,
      records: null,
    };
  }

  #append(
    topic: string,
    index: number,
    records: Uint8Array | null,
  ): { readonly errorCode: ErrorCode; readonly baseOffset: number } {
    const errorCode = this.#error('Produce');
    const partition = this.topics.get(topic)?.[index];
    if (errorCode !== ErrorCode.NONE || partition === undefined)
      return { errorCode: errorCode || ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, baseOffset: -1 };
    const bytes = (records ?? new Uint8Array(0)).slice();
    const batch = new BatchView(bytes);
    if (bytes.length > this.messageBytesMax)
      return { errorCode: ErrorCode.MESSAGE_TOO_LARGE, baseOffset: -1 };
    const { producerId, producerEpoch: epoch, baseSequence, lastSequence } = batch;
    const known = partition.producers.get(producerId) ?? [];
    const twin = known.find((each) => each.epoch === epoch && each.baseSequence === baseSequence);
    if (producerId >= 0 && twin !== undefined)
      return { errorCode: ErrorCode.NONE, baseOffset: twin.baseOffset };
    const last = known.at(-1);
    if (producerId >= 0) {
      if (last !== undefined && epoch < last.epoch)
        return { errorCode: ErrorCode.INVALID_PRODUCER_EPOCH, baseOffset: -1 };
      const isUnknown = last === undefined && this.takesUnknownSequences;
      const expected = last === undefined || epoch > last.epoch ? 0 : last.lastSequence + 1;
      if (!isUnknown && baseSequence !== expected)
        return { errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
    }
    const baseOffset = partition.endOffset;
    setBaseOffset(batch, offset(baseOffset));
    partition.batches.push(bytes);
    partition.endOffset += batch.recordCount;
    partition.producers.set(
      producerId,
      [...known, { epoch, baseSequence, lastSequence, baseOffset }].slice(-5),
    );
    return { errorCode: ErrorCode.NONE, baseOffset };
  }

  #read(topic: string, index: number, fetchOffset: number, nodeId: number, bytesMax: number) {
    const errorCode = this.#error('Fetch');
    const partition = this.topics.get(topic)![index]!;
    const [start, end] = (nodeId === partition.leader ? undefined : partition.nearestOffsets) ?? [
      0,
      partition.endOffset,
    ];
    if (errorCode !== ErrorCode.NONE)
      return { errorCode, highWatermark: -1, abortedTransactions: null, records: null };
    if (fetchOffset < start || fetchOffset > end)
      return {
        errorCode: ErrorCode.OFFSET_OUT_OF_RANGE,
        highWatermark: -1,
        abortedTransactions: null,
        records: null,
      };
    const wanted = partition.batches.filter(
      (bytes) => new BatchView(bytes).nextOffset > fetchOffset,
    );
    return {
      errorCode,
      highWatermark: partition.endOffset,
      abortedTransactions: null,
      records: concat(upTo(bytesMax, wanted)),
    };
  }

  #find(topic: string, index: number, timestamp: number): number {
    const partition = this.topics.get(topic)![index]!;
    if (timestamp === -2) return 0;
    if (timestamp === -1) return partition.endOffset;
    const found = partition.batches
      .map((bytes) => new BatchView(bytes))
      .find((batch) => batch.maxTimestampMs >= timestamp);
    return found === undefined ? -1 : found.baseOffset;
  }
}

/** One at least (KIP-74). */
function upTo(bytesMax: number, batches: readonly Uint8Array[]): readonly Uint8Array[] {
  let bytes = 0;
  return batches.filter((batch, at) => (bytes += batch.length) <= bytesMax || at === 0);
}

/** An answer that is due. */
interface Place {
  chunks: readonly Uint8Array[] | undefined;
}

class FakeConnection implements Connection {
  readonly remoteAddress = 'fake:9092';
  readonly bufferedBytes = 0;
  readonly #frames: FrameReader;
  #handler: ConnectionHandler | undefined;
  readonly #answers: Place[] = [];
  #isClosed = false;

  constructor(onRequest: (bytes: Uint8Array, self: FakeConnection) => void) {
    this.#frames = new FrameReader({
      frameBytesMax: FRAME_BYTES_MAX,
      onFrame: (bytes) => onRequest(bytes, this),
    });
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  send(chunks: readonly Uint8Array[]): boolean {
    // Copied and later: what a network does.
    const copies = chunks.map((chunk) => chunk.slice());
    void Promise.resolve().then(() => {
      for (const chunk of copies) if (!this.#isClosed) this.#frames.push(chunk, true);
    });
    return true;
  }

  /** A place in the order of answers. */
  reserve(): Place {
    const place: Place = { chunks: undefined };
    this.#answers.push(place);
    return place;
  }

  /** When those before it are out; in two pieces, so that nobody relies on the cutting. */
  deliver(chunks: readonly Uint8Array[], place = this.reserve()): void {
    place.chunks = chunks;
    for (let next = this.#answers[0]; next?.chunks !== undefined; next = this.#answers[0]) {
      this.#answers.shift();
      const bytes = concat(next.chunks);
      this.#handler?.onBytes(bytes.subarray(0, 3), false);
      this.#handler?.onBytes(bytes.subarray(3), false);
    }
  }

  lose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handler?.onClose(new TransportError('connection reset'));
  }

  pause(): void {}
  resume(): void {}
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handler?.onClose();
  }
  destroy(): void {
    this.close();
  }
}

/** Timers fire when the test says so; short ones, as pauses between tries, at once. */
export class ManualClock implements Clock {
  readonly #timers = new Map<number, { readonly at: number; readonly callback: () => void }>();
  #now = 0;
  #nextId = 1;

  wallTimeMs(): number {
    return 1_700_000_000_000 + this.#now;
  }
  monotonicMs(): number {
    return this.#now;
  }
  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const id = this.#nextId++;
    this.#timers.set(id, { at: this.#now + delayMs, callback });
    return id;
  }
  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as number);
  }
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves time to each deadline on the way, letting what follows from it happen in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const [next] = [...this.#timers]
        .filter(([, { at }]) => at <= end)
        .sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined) break;
      const [id, { at, callback }] = next;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      callback();
    }
    this.#now = end;
    await settle();
  }

  /** Runs time until the promise settles. */
  async runUntil<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const watch = promise.finally(() => {
      isSettled = true;
    });
    watch.catch(() => {});
    for (let step = 0; step < 10_000 && !isSettled; step += 1) {
      await settle();
      if (!isSettled) await this.advance(50);
    }
    return promise;
  }
}

/** Long enough for the promises of one exchange. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const noCompression: Compression = {
  compress: () => {
    throw new Error('not in these tests');
  },
  decompress: () => {
    throw new Error('not in these tests');
  },
};
