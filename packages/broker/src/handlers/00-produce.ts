/**
 * Produce: each partition's batch is decided at once, in the order of the connection, and answered when it is as safe as
 * `acks` asks. Batches stay as sent: the log writes base offset and leader epoch into them and nothing else.
 */
import type { TimerHandle } from '@odradek/ports';
import {
  ErrorCode,
  produceRequest,
  produceResponse,
  type Body,
  type Input,
  type Uuid,
} from '@odradek/protocol';
import type { RequiredAcks } from '@odradek/replication';
import {
  PRODUCE_TIMEOUT_MS_MIN,
  REQUEST_TIMEOUT_MS_MAX,
  UNPACKED_BYTES_PER_REQUEST_BYTE,
  UNPACKED_BYTES_PER_REQUEST_MAX,
} from '../limits.ts';
import type { BrokerServices } from '../services.ts';
import { currentLeader, isAskedElsewhere, leaderEndpoints } from './current-leader.ts';
import {
  CLOSE_CONNECTION,
  NO_RESPONSE,
  handler,
  type Answer,
  type RequestContext,
} from './handler.ts';
import { findPartition, type FoundPartition } from './partitions.ts';

type Request = Body<typeof produceRequest>;
type Response = Input<typeof produceResponse>;
type TopicResponse = Response['responses'][number];
type PartitionResponse = TopicResponse['partitionResponses'][number];

type Found = Extract<FoundPartition, { readonly ok: true }>;

/** From here on topics are named by id (KIP-516). */
const TOPIC_ID_VERSION = 13;
/** First version whose zstd batches a consumer of the same age can be trusted with (KIP-110). */
const ZSTD_VERSION_MIN = 7;
const NO_TRANSACTIONS = 'transactions are not supported by this version';

export const produce = handler({
  name: 'Produce',
  request: produceRequest,
  response: produceResponse,
  versions: [3, 13],
  // Old librdkafka turns compression off unless it sees version 0, which it then does not send (KAFKA-18659).
  advertisedMin: 0,
  notes:
    'acks 0, 1, all; idempotent producers. Versions 0-2 are advertised and refused, as in Kafka 4. No transactions yet.',
  handle(broker, request, context) {
    const acks = request.acks;
    if (acks !== 0 && acks !== 1 && acks !== -1) {
      return refuseAll(request, ErrorCode.INVALID_REQUIRED_ACKS, 'acks must be 0, 1 or -1 (all)');
    }
    if (request.transactionalId !== null) {
      return acks === 0
        ? CLOSE_CONNECTION
        : refuseAll(request, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, NO_TRANSACTIONS);
    }
    const produced = new Produced(broker, acks, context);
    broker.unpacking.within(unpackedBytesMax(request), () => {
      for (const topic of request.topicData)
        appendTo(produced, broker, topic, acks, context.apiVersion);
    });
    return produced.answer(request.timeoutMs);
  },
});

const unpackedBytesMax = ({ topicData }: Request): number => {
  let bytes = 0;
  for (const { partitionData } of topicData)
    for (const { records } of partitionData) bytes += records?.byteLength ?? 0;
  return Math.max(UNPACKED_BYTES_PER_REQUEST_MAX, bytes * UNPACKED_BYTES_PER_REQUEST_BYTE);
};

const appendTo = (
  produced: Produced,
  broker: BrokerServices,
  topic: Request['topicData'][number],
  acks: RequiredAcks,
  apiVersion: number,
): void => {
  const partitionResponses: PartitionResponse[] = [];
  produced.responses.push({ name: topic.name, topicId: topic.topicId, partitionResponses });
  const topicId = apiVersion >= TOPIC_ID_VERSION ? topic.topicId : null;
  for (const { index, records } of topic.partitionData) {
    const found = findPartition(broker, topicId, topic.name, index);
    if (!found.ok) {
      partitionResponses.push(produced.refused(index, found.errorCode, found.message));
      continue;
    }
    const problem = problemOf(found, records, apiVersion);
    if (problem !== null) {
      partitionResponses.push(produced.refused(index, problem.errorCode, problem.message));
      continue;
    }
    const place: Place = {
      into: partitionResponses,
      at: partitionResponses.length,
      isPending: true,
    };
    const outcome = found.replica.append(
      // With acks=0 the request counts as under way until its records are flushed: that is its back-pressure.
      { records: records!, acks: acks === 0 ? 1 : acks, origin: 'client' },
      (errorCode) => produced.acknowledged(place, errorCode),
    );
    if (outcome.status === 'refused') {
      partitionResponses.push({
        ...produced.refused(index, outcome.errorCode, outcome.message),
        recordErrors: outcome.recordErrors.map((it) => ({
          batchIndex: it.batchIndex,
          batchIndexErrorMessage: it.message,
        })),
      });
      continue;
    }
    produced.waitFor(place);
    partitionResponses.push({
      index,
      errorCode: ErrorCode.NONE,
      baseOffset: outcome.baseOffset,
      logAppendTimeMs: outcome.logAppendTimeMs,
      logStartOffset: outcome.logStartOffset,
    });
  }
};

/** What Kafka finds before it asks the log. */
const problemOf = (
  found: Found,
  records: Uint8Array | null,
  apiVersion: number,
): { readonly errorCode: ErrorCode; readonly message: string } | null => {
  if (records === null || records.byteLength === 0) {
    return { errorCode: ErrorCode.INVALID_RECORD, message: 'a produce must hold a record batch' };
  }
  if (found.topic.isInternal) {
    return {
      errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION,
      message: `"${found.topic.name}" is internal`,
    };
  }
  if (apiVersion < ZSTD_VERSION_MIN && isZstd(records)) {
    const message = `zstd needs Produce v${ZSTD_VERSION_MIN} or newer`;
    return { errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message };
  }
  // Without a transaction coordinator nobody would ever end it, and it would hold the last stable offset for ever.
  return isTransactional(records)
    ? { errorCode: ErrorCode.INVALID_TXN_STATE, message: NO_TRANSACTIONS }
    : null;
};

/** Where the answer for one partition stands, and whether its records are yet to become safe. */
interface Place {
  readonly into: PartitionResponse[];
  readonly at: number;
  isPending: boolean;
}

/** The answer to one request, on its way. It holds nothing of the request itself: its frame goes when the log has copied it. */
class Produced {
  readonly responses: (Omit<TopicResponse, 'partitionResponses'> & {
    readonly partitionResponses: PartitionResponse[];
  })[] = [];
  readonly #broker: BrokerServices;
  readonly #context: RequestContext;
  readonly #acks: RequiredAcks;
  readonly #places: Place[] = [];
  #pending = 0;
  #hasFailed = false;
  #timer: TimerHandle | undefined;
  #resolve: ((answer: Answer<Response>) => void) | undefined;

  constructor(broker: BrokerServices, acks: RequiredAcks, context: RequestContext) {
    this.#broker = broker;
    this.#acks = acks;
    this.#context = context;
  }

  refused(index: number, errorCode: ErrorCode, message: string | null): PartitionResponse {
    this.#hasFailed = true;
    return refused(index, errorCode, message);
  }

  waitFor(place: Place): void {
    this.#places.push(place);
    this.#pending += 1;
  }

  /** Never called before the append returned. After the answer was given it means nothing any more. */
  acknowledged(place: Place, errorCode: ErrorCode): void {
    if (!place.isPending) return;
    this.#settle(place, errorCode, null);
    if (this.#pending > 0 || this.#resolve === undefined) return;
    if (this.#timer !== undefined) this.#broker.clock.clearTimeout(this.#timer);
    this.#resolve(this.#now());
  }

  answer(timeoutMs: number): Answer<Response> | Promise<Answer<Response>> {
    if (this.#pending === 0) return this.#now();
    return new Promise((resolve) => {
      this.#resolve = resolve;
      // Only "all in-sync replicas" is a wait for others. A flush is part of the append: the client's time is not for that.
      if (this.#acks !== -1) return;
      const patienceMs = Math.min(
        Math.max(timeoutMs, PRODUCE_TIMEOUT_MS_MIN),
        REQUEST_TIMEOUT_MS_MAX,
      );
      this.#timer = this.#broker.clock.setTimeout(() => this.#timeUp(patienceMs), patienceMs);
    });
  }

  /** The records are in the log and may yet become safe: the client must take this as "unknown". */
  #timeUp(patienceMs: number): void {
    const message = `not safe on all in-sync replicas after ${patienceMs} ms`;
    for (const place of this.#places) {
      if (place.isPending) this.#settle(place, ErrorCode.REQUEST_TIMED_OUT, message);
    }
    this.#resolve!(this.#now());
  }

  #settle(place: Place, errorCode: ErrorCode, errorMessage: string | null): void {
    place.isPending = false;
    this.#pending -= 1;
    if (errorCode === ErrorCode.NONE) return;
    this.#hasFailed = true;
    const { into, at } = place;
    into[at] = { ...into[at]!, errorCode, errorMessage };
  }

  #now(): Answer<Response> {
    if (this.#acks === 0) return this.#hasFailed ? CLOSE_CONNECTION : NO_RESPONSE;
    return {
      responses: this.responses,
      throttleTimeMs: 0,
      ...(this.#hasFailed && { nodeEndpoints: this.#tellLeaders() }),
    };
  }

  /** To all who should have asked another broker; where those are. */
  #tellLeaders(): Response['nodeEndpoints'] {
    const { apiVersion, listenerName } = this.#context;
    const leaders = this.responses.flatMap(({ name, topicId, partitionResponses }) =>
      partitionResponses.map((it, at) => {
        if (!isAskedElsewhere(it.errorCode)) return undefined;
        const id = apiVersion >= TOPIC_ID_VERSION ? (topicId as Uuid) : null;
        const leader = currentLeader(this.#broker, id, name ?? '', it.index!);
        if (leader !== undefined) partitionResponses[at] = { ...it, currentLeader: leader };
        return leader;
      }),
    );
    return leaderEndpoints(this.#broker, listenerName, leaders);
  }
}

/** Attributes are the int16 at byte 21 of a batch: the codec in bits 0-2, transactional in bit 4. */
const isZstd = (records: Uint8Array): boolean => (records[22]! & 7) === 4;
const isTransactional = (records: Uint8Array): boolean => (records[22]! & 16) !== 0;

const refused = (
  index: number,
  errorCode: ErrorCode,
  message: string | null,
): PartitionResponse => ({
  index,
  errorCode,
  baseOffset: -1,
  logAppendTimeMs: -1,
  logStartOffset: -1,
  errorMessage: message,
});

const refuseAll = (request: Request, errorCode: ErrorCode, message: string): Response => ({
  responses: request.topicData.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitionResponses: topic.partitionData.map((it) => refused(it.index, errorCode, message)),
  })),
  throttleTimeMs: 0,
});
