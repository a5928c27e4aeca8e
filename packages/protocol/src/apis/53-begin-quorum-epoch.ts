/**
 * BeginQuorumEpoch: key 53, versions 0 to 1, flexible from 1.
 *
 * 1: flexible, directory ids (KIP-853).
 */
import { array, errorCode, int32, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { endpoint, quorumEndpoints } from './words.ts';

/** The new leader of the metadata quorum makes itself known to the voters (KIP-595). */
export const beginQuorumEpochRequest = /*@__PURE__*/ message(
  { key: 53, name: 'BeginQuorumEpochRequest', versions: [0, 1], flexible: 1 },
  () => ({
    clusterId: string({ nullable: true, default: null }),
    voterId: int32({ since: 1, default: -1 }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        voterDirectoryId: uuid({ since: 1 }),
        leaderId: int32(),
        leaderEpoch: int32(),
      }),
    }),
    leaderEndpoints: array(endpoint(), { since: 1 }),
  }),
);
export type BeginQuorumEpochRequest = Body<typeof beginQuorumEpochRequest>;

/** FENCED_LEADER_EPOCH, INVALID_VOTER_KEY, INCONSISTENT_VOTER_SET, INCONSISTENT_CLUSTER_ID. */
export const beginQuorumEpochResponse = /*@__PURE__*/ message(
  { key: 53, name: 'BeginQuorumEpochResponse', versions: [0, 1], flexible: 1 },
  () => ({
    errorCode: errorCode(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        leaderId: int32(),
        leaderEpoch: int32(),
      }),
    }),
    nodeEndpoints: quorumEndpoints({ since: 1, tag: 0 }),
  }),
);
export type BeginQuorumEpochResponse = Body<typeof beginQuorumEpochResponse>;
