/**
 * OffsetCommit: key 8, versions 2 to 10, flexible from 8.
 *
 * 6: leader epochs. 7: static members. 9: members of the new protocol may commit (KIP-848). 10:
 * topic ids.
 */
import { array, errorCode, int32, int64, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Stores how far a group has come. */
export const offsetCommitRequest = /*@__PURE__*/ message(
  { key: 8, name: 'OffsetCommitRequest', versions: [2, 10], flexible: 8 },
  () => ({
    groupId: string(),
    /** -1: no member of a group, offsets are managed by hand. */
    generationIdOrMemberEpoch: int32({ default: -1 }),
    memberId: string(),
    groupInstanceId: string({ since: 7, nullable: true, default: null }),
    retentionTimeMs: int64({ until: 4, default: -1 }),
    topics: array({
      name: string({ until: 9 }),
      topicId: uuid({ since: 10 }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 6, default: -1 }),
        committedMetadata: string({ nullable: true }),
      }),
    }),
  }),
);
export type OffsetCommitRequest = Body<typeof offsetCommitRequest>;

/**
 * ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, STALE_MEMBER_EPOCH: not (any more) a
 * member that may commit. REBALANCE_IN_PROGRESS: join again. OFFSET_METADATA_TOO_LARGE,
 * NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS.
 */
export const offsetCommitResponse = /*@__PURE__*/ message(
  { key: 8, name: 'OffsetCommitResponse', versions: [2, 10], flexible: 8 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 3 }),
    topics: array({
      name: string({ until: 9 }),
      topicId: uuid({ since: 10 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
      }),
    }),
  }),
);
export type OffsetCommitResponse = Body<typeof offsetCommitResponse>;
