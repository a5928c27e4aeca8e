/**
 * OffsetFetch: key 9, versions 1 to 10, flexible from 6.
 *
 * 2: null asks for all partitions. 7: requireStable (KIP-447). 8: many groups in one request
 * (KIP-709). 9: member epochs. 10: topic ids.
 */
import { array, boolean, errorCode, int32, int64, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Reads back what OffsetCommit stored. */
export const offsetFetchRequest = /*@__PURE__*/ message(
  { key: 9, name: 'OffsetFetchRequest', versions: [1, 10], flexible: 6 },
  () => ({
    groupId: string({ until: 7 }),
    /** Null: all. */
    topics: array(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      { until: 7, nullable: 2 },
    ),
    groups: array(
      {
        groupId: string(),
        memberId: string({ since: 9, nullable: true, default: null }),
        memberEpoch: int32({ since: 9, default: -1 }),
        /** Null: all. */
        topics: array(
          {
            name: string({ until: 9 }),
            topicId: uuid({ since: 10 }),
            partitionIndexes: array(int32()),
          },
          { nullable: true },
        ),
      },
      { since: 8 },
    ),
    requireStable: boolean({ since: 7, default: false }),
  }),
);
export type OffsetFetchRequest = Body<typeof offsetFetchRequest>;

/**
 * Nothing stored is offset -1 with no error. UNSTABLE_OFFSET_COMMIT: a transaction still holds it.
 * NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, STALE_MEMBER_EPOCH, UNKNOWN_MEMBER_ID.
 */
export const offsetFetchResponse = /*@__PURE__*/ message(
  { key: 9, name: 'OffsetFetchResponse', versions: [1, 10], flexible: 6 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 3 }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ since: 5, default: -1 }),
          metadata: string({ nullable: true }),
          errorCode: errorCode(),
        }),
      },
      { until: 7 },
    ),
    errorCode: errorCode({ since: 2, until: 7, default: 0 }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string({ until: 9 }),
          topicId: uuid({ since: 10 }),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1 }),
            metadata: string({ nullable: true }),
            errorCode: errorCode(),
          }),
        }),
        errorCode: errorCode({ default: 0 }),
      },
      { since: 8 },
    ),
  }),
);
export type OffsetFetchResponse = Body<typeof offsetFetchResponse>;
