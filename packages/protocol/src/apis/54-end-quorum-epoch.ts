/**
 * EndQuorumEpoch: key 54, versions 0 to 1, flexible from 1.
 *
 * 1: flexible, directory ids (KIP-853).
 */
import { array, errorCode, int32, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { endpoint, quorumEndpoints } from './words.ts';

/** The leader of the metadata quorum steps down and says who should follow (KIP-595). */
export const endQuorumEpochRequest = /*@__PURE__*/ message(
  { key: 54, name: 'EndQuorumEpochRequest', versions: [0, 1], flexible: 1 },
  () => ({
    clusterId: string({ nullable: true, default: null }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32(),
        /** Best first. */
        preferredSuccessors: array(int32(), { until: 0 }),
        /** Best first. */
        preferredCandidates: array(
          {
            candidateId: int32(),
            candidateDirectoryId: uuid(),
          },
          { since: 1 },
        ),
      }),
    }),
    leaderEndpoints: array(endpoint(), { since: 1 }),
  }),
);
export type EndQuorumEpochRequest = Body<typeof endQuorumEpochRequest>;

/** FENCED_LEADER_EPOCH, INCONSISTENT_VOTER_SET, INCONSISTENT_CLUSTER_ID. */
export const endQuorumEpochResponse = /*@__PURE__*/ message(
  { key: 54, name: 'EndQuorumEpochResponse', versions: [0, 1], flexible: 1 },
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
export type EndQuorumEpochResponse = Body<typeof endQuorumEpochResponse>;
