/**
 * FetchSnapshot: key 59, versions 0 to 1, flexible from 0.
 *
 * 1: directory ids (KIP-853).
 */
import { array, errorCode, int32, int64, records, string, struct, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { quorumEndpoints, throttleTimeMs } from './words.ts';

/** Reads a piece of a snapshot of the metadata log (KIP-630). */
export const fetchSnapshotRequest = /*@__PURE__*/ message(
  { key: 59, name: 'FetchSnapshotRequest', versions: [0, 1], flexible: 0 },
  () => ({
    clusterId: string({ nullable: true, default: null, tag: 0 }),
    replicaId: int32({ default: -1 }),
    maxBytes: int32({ default: 0x7fffffff }),
    topics: array({
      name: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32(),
        snapshotId: struct({
          endOffset: int64(),
          epoch: int32(),
        }),
        position: int64(),
        replicaDirectoryId: uuid({ since: 1, tag: 0 }),
      }),
    }),
  }),
);
export type FetchSnapshotRequest = Body<typeof fetchSnapshotRequest>;

/**
 * SNAPSHOT_NOT_FOUND, POSITION_OUT_OF_RANGE, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH,
 * NOT_LEADER_OR_FOLLOWER.
 */
export const fetchSnapshotResponse = /*@__PURE__*/ message(
  { key: 59, name: 'FetchSnapshotResponse', versions: [0, 1], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    topics: array({
      name: string(),
      partitions: array({
        index: int32(),
        errorCode: errorCode(),
        snapshotId: struct({
          endOffset: int64(),
          epoch: int32(),
        }),
        currentLeader: struct(
          {
            leaderId: int32(),
            leaderEpoch: int32(),
          },
          { tag: 0 },
        ),
        size: int64(),
        position: int64(),
        /** Cut anywhere; what follows begins at position plus its length. */
        unalignedRecords: records(),
      }),
    }),
    nodeEndpoints: quorumEndpoints({ since: 1, tag: 0 }),
  }),
);
export type FetchSnapshotResponse = Body<typeof fetchSnapshotResponse>;
