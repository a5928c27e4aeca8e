/**
 * Produce: each partition's batch is decided at once, in the order of the connection, and answered when it is as safe as
 * `acks` asks. Batches stay as sent: the log writes base offset and leader epoch into them and nothing else.
 */
import {
  ErrorCode,
  produceRequest,
  produceResponse,
  type Body,
  type Input,
} from '@odradek/protocol';
import type { RequiredAcks } from '@odradek/replication';
import { REQUEST_TIMEOUT_MS_MAX } from '../limits.ts';
import type { BrokerServices } from '../services.ts';
import { CLOSE_CONNECTION, NO_RESPONSE, handler, type Answer } from './handler.ts';
import { findPartition } from './partitions.ts';

type Request = Body<typeof produceRequest>;
type Response = Input<typeof produceResponse>;
type TopicResponse = Response['responses'][number];
type PartitionResponse = TopicResponse['partitionResponses'][number];

/** First version whose zstd batches a consumer of the same age can be trusted with (KIP-110). */
const ZSTD_VERSION_MIN = 7;

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
      const message = 'transactions are not supported by this version';
      return acks === 0
        ? CLOSE_CONNECTION
        : refuseAll(request, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, message);
    }
    return appendAll(broker, request, acks, context.apiVersion);
  },
});

const appendAll = (
  broker: BrokerServices,
  request: Request,
  acks: RequiredAcks,
  apiVersion: number,
): Answer<Response> | Promise<Answer<Response>> => {
  const responses: TopicResponse[] = [];
  let pending = 0;
  let hasFailed = false;
  let isDecided = false;
  let onAllSafe: () => void = () => {};
  for (const topic of request.topicData) {
    const partitionResponses: PartitionResponse[] = [];
    responses.push({ name: topic.name, topicId: topic.topicId, partitionResponses });
    for (const { index, records } of topic.partitionData) {
      const place = partitionResponses.length;
      const found = findPartition(
        broker,
        apiVersion >= 13 ? topic.topicId : null,
        topic.name,
        index,
      );
      if (!found.ok) {
        hasFailed = true;
        partitionResponses.push(refused(index, found.errorCode, found.message));
        continue;
      }
      const problem =
        records === null || records.byteLength === 0
          ? { errorCode: ErrorCode.INVALID_RECORD, message: 'a produce must hold a record batch' }
          : found.topic.isInternal
            ? {
                errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION,
                message: `"${found.topic.name}" is internal`,
              }
            : apiVersion < ZSTD_VERSION_MIN && isZstd(records)
              ? {
                  errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
                  message: `zstd needs Produce v${ZSTD_VERSION_MIN} or newer`,
                }
              : isTransactional(records)
                ? // Without a transaction coordinator nobody would ever end it, and it would hold the last stable offset for ever.
                  {
                    errorCode: ErrorCode.INVALID_TXN_STATE,
                    message: 'transactions are not supported by this version',
                  }
                : null;
      if (problem !== null) {
        hasFailed = true;
        partitionResponses.push(refused(index, problem.errorCode, problem.message));
        continue;
      }
      const outcome = found.replica.append(
        { records: records!, acks: acks === 0 ? 1 : acks, origin: 'client' },
        (errorCode) => {
          if (errorCode !== ErrorCode.NONE) {
            hasFailed = true;
            partitionResponses[place] = refused(index, errorCode, null);
          }
          pending -= 1;
          if (pending === 0 && isDecided) onAllSafe();
        },
      );
      if (outcome.status === 'refused') {
        hasFailed = true;
        partitionResponses.push({
          ...refused(index, outcome.errorCode, outcome.message),
          recordErrors: outcome.recordErrors.map((it) => ({
            batchIndex: it.batchIndex,
            batchIndexErrorMessage: it.message,
          })),
          ...currentLeaderOf(found.assignment, outcome.errorCode),
        });
        continue;
      }
      pending += 1;
      partitionResponses.push({
        index,
        errorCode: ErrorCode.NONE,
        baseOffset: outcome.baseOffset,
        logAppendTimeMs: outcome.logAppendTimeMs,
        logStartOffset: outcome.logStartOffset,
      });
    }
  }
  isDecided = true;
  const answer = (): Answer<Response> =>
    acks === 0 ? (hasFailed ? CLOSE_CONNECTION : NO_RESPONSE) : { responses, throttleTimeMs: 0 };
  // With acks=0 the request counts as under way until its records are flushed: that is its back-pressure.
  if (pending === 0) return answer();
  return new Promise((resolve) => {
    const timeoutMs = Math.min(Math.max(request.timeoutMs, 0), REQUEST_TIMEOUT_MS_MAX);
    let isAnswered = false;
    const timer =
      acks === -1
        ? broker.clock.setTimeout(() => {
            isAnswered = true;
            // The records are in the log and may yet become safe: the client must take this as "unknown".
            for (const { partitionResponses } of responses) {
              partitionResponses.forEach((it, place) => {
                if (it.errorCode !== ErrorCode.NONE) return;
                (partitionResponses as PartitionResponse[])[place] = refused(
                  it.index,
                  ErrorCode.REQUEST_TIMED_OUT,
                  `not safe on all in-sync replicas after ${timeoutMs} ms`,
                );
              });
            }
            resolve({ responses, throttleTimeMs: 0 });
          }, timeoutMs)
        : undefined;
    onAllSafe = () => {
      if (isAnswered) return;
      if (timer !== undefined) broker.clock.clearTimeout(timer);
      resolve(answer());
    };
  });
};

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

const currentLeaderOf = (
  assignment: { readonly leader: number; readonly leaderEpoch: number },
  errorCode: ErrorCode,
): Pick<PartitionResponse, 'currentLeader'> =>
  errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER
    ? { currentLeader: { leaderId: assignment.leader, leaderEpoch: assignment.leaderEpoch } }
    : {};

const refuseAll = (request: Request, errorCode: ErrorCode, message: string): Response => ({
  responses: request.topicData.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitionResponses: topic.partitionData.map((it) => refused(it.index, errorCode, message)),
  })),
  throttleTimeMs: 0,
});
