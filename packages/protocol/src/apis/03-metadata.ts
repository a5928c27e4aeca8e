/**
 * Metadata: key 3, versions 0 to 13, flexible from 9.
 *
 * 0 asks for all topics with an empty list, 1 and later with null. 4: auto-creation can be
 * forbidden. 7: leader epochs. 10: topic ids in the answer. 12: a topic can be asked for by id. 13:
 * REBOOTSTRAP_REQUIRED (KIP-1102).
 */
import { array, boolean, errorCode, int32, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { authorizedOperations, throttleTimeMs } from './words.ts';

/** Tells which brokers there are, and which lead what. */
export const metadataRequest = /*@__PURE__*/ message(
  { key: 3, name: 'MetadataRequest', versions: [0, 13], flexible: 9 },
  () => ({
    /** Null: all. */
    topics: array(
      {
        topicId: uuid({ since: 10 }),
        name: string({ nullable: 10 }),
      },
      { nullable: 1 },
    ),
    allowAutoTopicCreation: boolean({ since: 4, default: true }),
    includeClusterAuthorizedOperations: boolean({ since: 8, until: 10 }),
    includeTopicAuthorizedOperations: boolean({ since: 8 }),
  }),
);
export type MetadataRequest = Body<typeof metadataRequest>;

/**
 * LEADER_NOT_AVAILABLE: just created, ask again. UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID,
 * INVALID_TOPIC_EXCEPTION, TOPIC_AUTHORIZATION_FAILED.
 */
export const metadataResponse = /*@__PURE__*/ message(
  { key: 3, name: 'MetadataResponse', versions: [0, 13], flexible: 9 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 3 }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ since: 1, nullable: true, default: null }),
    }),
    clusterId: string({ since: 2, nullable: true, default: null }),
    /** A listed broker: admin clients send there what the controller must do. */
    controllerId: int32({ since: 1, default: -1 }),
    topics: array({
      errorCode: errorCode(),
      name: string({ nullable: 12 }),
      topicId: uuid({ since: 10 }),
      isInternal: boolean({ since: 1, default: false }),
      partitions: array({
        errorCode: errorCode(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ since: 7, default: -1 }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), { since: 5 }),
      }),
      topicAuthorizedOperations: authorizedOperations({ since: 8 }),
    }),
    clusterAuthorizedOperations: authorizedOperations({ since: 8, until: 10 }),
    errorCode: errorCode({ since: 13 }),
  }),
);
export type MetadataResponse = Body<typeof metadataResponse>;
