/**
 * AlterPartition: key 56, versions 2 to 3, flexible from 0.
 *
 * 3: replicas with their broker epochs (KIP-903).
 */
import { array, errorCode, int8, int32, int64, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** A leader asks the controller to change a partition's ISR (KIP-497). */
export const alterPartitionRequest = /*@__PURE__*/ message(
  { key: 56, name: 'AlterPartitionRequest', versions: [2, 3], flexible: 0 },
  () => ({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        leaderEpoch: int32(),
        newIsr: array(int32(), { until: 2 }),
        newIsrWithEpochs: array(
          {
            brokerId: int32(),
            brokerEpoch: int64({ default: -1 }),
          },
          { since: 3 },
        ),
        /** 1: recovering from an unclean election. */
        leaderRecoveryState: int8({ default: 0 }),
        partitionEpoch: int32(),
      }),
    }),
  }),
);
export type AlterPartitionRequest = Body<typeof alterPartitionRequest>;

/**
 * INVALID_UPDATE_VERSION: another partition epoch. FENCED_LEADER_EPOCH, INELIGIBLE_REPLICA,
 * NEW_LEADER_ELECTED, STALE_BROKER_EPOCH, UNKNOWN_TOPIC_ID, INVALID_REQUEST.
 */
export const alterPartitionResponse = /*@__PURE__*/ message(
  { key: 56, name: 'AlterPartitionResponse', versions: [2, 3], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        leaderId: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        leaderRecoveryState: int8({ default: 0 }),
        partitionEpoch: int32(),
      }),
    }),
  }),
);
export type AlterPartitionResponse = Body<typeof alterPartitionResponse>;
