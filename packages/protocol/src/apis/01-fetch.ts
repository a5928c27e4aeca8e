/**
 * Fetch: key 1, versions 4 to 18, flexible from 12.
 *
 * 4: isolation level. 7: sessions (KIP-227). 9: leader epoch fencing (KIP-320). 11: reading from
 * the nearest replica (KIP-392). 12: flexible, and divergence told by epoch. 13: topic ids. 15: the
 * replica states its epoch (KIP-903). 17: directory ids, 18: high watermark, both for replicas.
 */
import {
  array,
  errorCode,
  int8,
  int32,
  int64,
  records,
  string,
  struct,
  uuid,
} from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { leaderIdAndEpoch, nodeEndpoints, throttleTimeMs } from './words.ts';

/** Reads record batches, for consumers, for followers and for the quorum. */
export const fetchRequest = /*@__PURE__*/ message(
  { key: 1, name: 'FetchRequest', versions: [4, 18], flexible: 12 },
  () => ({
    clusterId: string({ since: 12, nullable: true, default: null, tag: 0 }),
    /** -1 from a consumer. */
    replicaId: int32({ until: 14, default: -1 }),
    replicaState: struct(
      {
        replicaId: int32({ default: -1 }),
        replicaEpoch: int64({ default: -1 }),
      },
      { since: 15, tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    /** Exceeded when the first batch alone is larger (KIP-74). */
    maxBytes: int32({ default: 0x7fffffff }),
    /**
     * 0: up to the high watermark. 1: up to the last stable offset, with the aborted transactions
     * named.
     */
    isolationLevel: int8({ default: 0 }),
    /** 0 with epoch -1: no session. 0 with epoch 0: open one. */
    sessionId: int32({ since: 7, default: 0 }),
    sessionEpoch: int32({ since: 7, default: -1 }),
    topics: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partition: int32(),
        /** -1: do not check. */
        currentLeaderEpoch: int32({ since: 9, default: -1 }),
        fetchOffset: int64(),
        /** Epoch of the last record that the replica has, -1 from a consumer. */
        lastFetchedEpoch: int32({ since: 12, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ since: 17, tag: 0 }),
        highWatermark: int64({ since: 18, default: 2 ** 63, tag: 1 }),
      }),
    }),
    /** Leave the session. */
    forgottenTopicsData: array(
      {
        topic: string({ until: 12 }),
        topicId: uuid({ since: 13 }),
        partitions: array(int32()),
      },
      { since: 7 },
    ),
    rackId: string({ since: 11, default: '' }),
  }),
);
export type FetchRequest = Body<typeof fetchRequest>;

/**
 * At the top: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH,
 * FETCH_SESSION_TOPIC_ID_ERROR. For a partition: OFFSET_OUT_OF_RANGE: below the start or above the
 * end. FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH: one side is behind. NOT_LEADER_OR_FOLLOWER,
 * UNKNOWN_TOPIC_ID: refresh metadata. UNSUPPORTED_COMPRESSION_TYPE: zstd below 10.
 */
export const fetchResponse = /*@__PURE__*/ message(
  { key: 1, name: 'FetchResponse', versions: [4, 18], flexible: 12 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode({ since: 7 }),
    sessionId: int32({ since: 7, default: 0 }),
    responses: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        highWatermark: int64(),
        lastStableOffset: int64({ default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        /**
         * The largest epoch and its end offset at which the replica's log agrees with ours: truncate
         * to it.
         */
        divergingEpoch: struct(
          {
            epoch: int32({ default: -1 }),
            endOffset: int64({ default: -1 }),
          },
          { since: 12, tag: 0 },
        ),
        currentLeader: struct(leaderIdAndEpoch(), { since: 12, tag: 1 }),
        /** Quorum: the log no longer has the offset, fetch this snapshot. */
        snapshotId: struct(
          {
            endOffset: int64({ default: -1 }),
            epoch: int32({ default: -1 }),
          },
          { since: 12, tag: 2 },
        ),
        /** Null when all records were asked for. */
        abortedTransactions: array(
          {
            producerId: int64(),
            firstOffset: int64(),
          },
          { nullable: true },
        ),
        preferredReadReplica: int32({ since: 11, default: -1 }),
        /** Whole batches; the first may begin before the offset asked for. */
        records: records({ nullable: true }),
      }),
    }),
    nodeEndpoints: nodeEndpoints({ since: 16, tag: 0 }),
  }),
);
export type FetchResponse = Body<typeof fetchResponse>;
