/**
 * Vote: key 52, versions 0 to 2, flexible from 0.
 *
 * 1: directory ids (KIP-853). 2: pre-vote (KIP-996).
 */
import { array, boolean, errorCode, int32, int64, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { quorumEndpoints } from './words.ts';

/** Asks a voter of the metadata quorum for its vote (KIP-595). */
export const voteRequest = /*@__PURE__*/ message(
  { key: 52, name: 'VoteRequest', versions: [0, 2], flexible: 0 },
  () => ({
    clusterId: string({ nullable: true, default: null }),
    voterId: int32({ since: 1, default: -1 }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        /** The candidate's epoch. */
        replicaEpoch: int32(),
        /** The candidate. */
        replicaId: int32(),
        replicaDirectoryId: uuid({ since: 1 }),
        voterDirectoryId: uuid({ since: 1 }),
        lastOffsetEpoch: int32(),
        /** End of the candidate's log. */
        lastOffset: int64(),
        preVote: boolean({ since: 2 }),
      }),
    }),
  }),
);
export type VoteRequest = Body<typeof voteRequest>;

/**
 * INVALID_VOTER_KEY, INCONSISTENT_VOTER_SET, FENCED_LEADER_EPOCH, INCONSISTENT_CLUSTER_ID,
 * UNKNOWN_TOPIC_OR_PARTITION.
 */
export const voteResponse = /*@__PURE__*/ message(
  { key: 52, name: 'VoteResponse', versions: [0, 2], flexible: 0 },
  () => ({
    errorCode: errorCode(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        /** As far as the voter knows; -1 if there is none. */
        leaderId: int32(),
        leaderEpoch: int32(),
        voteGranted: boolean(),
      }),
    }),
    nodeEndpoints: quorumEndpoints({ since: 1, tag: 0 }),
  }),
);
export type VoteResponse = Body<typeof voteResponse>;
