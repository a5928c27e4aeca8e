/**
 * ConsumerGroupDescribe: key 69, versions 0 to 1, flexible from 0.
 *
 * 1: which protocol each member speaks (KIP-1099).
 */
import { array, boolean, errorCode, int8, int32, string, struct, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { authorizedOperations, errorMessage, throttleTimeMs } from './words.ts';

/** Describes groups of the new consumer protocol (KIP-848). */
export const consumerGroupDescribeRequest = /*@__PURE__*/ message(
  { key: 69, name: 'ConsumerGroupDescribeRequest', versions: [0, 1], flexible: 0 },
  () => ({
    groupIds: array(string()),
    includeAuthorizedOperations: boolean(),
  }),
);
export type ConsumerGroupDescribeRequest = Body<typeof consumerGroupDescribeRequest>;

/**
 * For each group: GROUP_ID_NOT_FOUND, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS,
 * GROUP_AUTHORIZATION_FAILED.
 */
export const consumerGroupDescribeResponse = /*@__PURE__*/ message(
  { key: 69, name: 'ConsumerGroupDescribeResponse', versions: [0, 1], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    groups: array({
      errorCode: errorCode(),
      errorMessage: errorMessage(),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string({ nullable: true, default: null }),
        rackId: string({ nullable: true, default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string({ nullable: true, default: null }),
        assignment: struct(assignment()),
        targetAssignment: struct(assignment()),
        /** -1: unknown. 0: classic. 1: consumer. */
        memberType: int8({ since: 1, default: -1 }),
      }),
      authorizedOperations: authorizedOperations(),
    }),
  }),
);
export type ConsumerGroupDescribeResponse = Body<typeof consumerGroupDescribeResponse>;

const topicPartitions = () => ({
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
});

const assignment = () => ({
  topicPartitions: array(topicPartitions()),
});
