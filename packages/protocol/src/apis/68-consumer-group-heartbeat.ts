/**
 * ConsumerGroupHeartbeat: key 68, versions 0 to 1, flexible from 0.
 *
 * 0: ids of members made by the broker. 1: members make their own; subscription by pattern.
 */
import { array, errorCode, int32, string, struct, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/**
 * The whole of group membership in the new consumer protocol (KIP-848): join, heartbeat,
 * assignment, leave.
 */
export const consumerGroupHeartbeatRequest = /*@__PURE__*/ message(
  { key: 68, name: 'ConsumerGroupHeartbeatRequest', versions: [0, 1], flexible: 0 },
  () => ({
    groupId: string(),
    memberId: string(),
    /** 0: join. -1: leave. -2: leave for a while, as a static member. */
    memberEpoch: int32(),
    instanceId: string({ nullable: true, default: null }),
    rackId: string({ nullable: true, default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    /** Null, here and below: as before. */
    subscribedTopicNames: array(string(), { nullable: true, default: null }),
    subscribedTopicRegex: string({ since: 1, nullable: true, default: null }),
    serverAssignor: string({ nullable: true, default: null }),
    /** What the member holds. */
    topicPartitions: array(
      {
        topicId: uuid(),
        partitions: array(int32()),
      },
      { nullable: true, default: null },
    ),
  }),
);
export type ConsumerGroupHeartbeatRequest = Body<typeof consumerGroupHeartbeatRequest>;

/**
 * FENCED_MEMBER_EPOCH: give up all and join again. UNKNOWN_MEMBER_ID, UNRELEASED_INSTANCE_ID,
 * UNSUPPORTED_ASSIGNOR, INVALID_REGULAR_EXPRESSION, GROUP_MAX_SIZE_REACHED, NOT_COORDINATOR.
 */
export const consumerGroupHeartbeatResponse = /*@__PURE__*/ message(
  { key: 68, name: 'ConsumerGroupHeartbeatResponse', versions: [0, 1], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    memberId: string({ nullable: true, default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    /** Null: as before. */
    assignment: struct(
      {
        topicPartitions: array(topicPartitions()),
      },
      { nullable: true, default: null },
    ),
  }),
);
export type ConsumerGroupHeartbeatResponse = Body<typeof consumerGroupHeartbeatResponse>;

const topicPartitions = () => ({
  topicId: uuid(),
  partitions: array(int32()),
});
