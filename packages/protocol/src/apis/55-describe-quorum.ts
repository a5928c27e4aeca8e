/**
 * DescribeQuorum: key 55, versions 0 to 2, flexible from 0.
 *
 * 1: times of the last fetch (KIP-836). 2: directory ids and addresses (KIP-853).
 */
import { array, errorCode, int32, int64, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { endpoint, errorMessage } from './words.ts';

/** Tells the state of the metadata quorum and how far each replica is. */
export const describeQuorumRequest = /*@__PURE__*/ message(
  { key: 55, name: 'DescribeQuorumRequest', versions: [0, 2], flexible: 0 },
  () => ({
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  }),
);
export type DescribeQuorumRequest = Body<typeof describeQuorumRequest>;

/** NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION. */
export const describeQuorumResponse = /*@__PURE__*/ message(
  { key: 55, name: 'DescribeQuorumResponse', versions: [0, 2], flexible: 0 },
  () => ({
    errorCode: errorCode(),
    errorMessage: errorMessage({ since: 2 }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        errorMessage: errorMessage({ since: 2 }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicaState()),
        observers: array(replicaState()),
      }),
    }),
    nodes: array(
      {
        nodeId: int32(),
        listeners: array(endpoint()),
      },
      { since: 2 },
    ),
  }),
);
export type DescribeQuorumResponse = Body<typeof describeQuorumResponse>;

const replicaState = () => ({
  replicaId: int32(),
  replicaDirectoryId: uuid({ since: 2 }),
  logEndOffset: int64(),
  lastFetchTimestamp: int64({ since: 1, default: -1 }),
  lastCaughtUpTimestamp: int64({ since: 1, default: -1 }),
});
