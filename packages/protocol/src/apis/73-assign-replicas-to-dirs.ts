/** AssignReplicasToDirs: key 73, version 0, flexible from 0 (KIP-858). */
import { array, errorCode, int32, int64, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** A broker tells the controller in which of its directories replicas are; a reserved id says that they are lost. */
export const assignReplicasToDirsRequest = /*@__PURE__*/ message(
  { key: 73, name: 'AssignReplicasToDirsRequest', versions: [0, 0], flexible: 0 },
  () => ({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    directories: array({
      id: uuid(),
      topics: array({ topicId: uuid(), partitions: array({ partitionIndex: int32() }) }),
    }),
  }),
);
export type AssignReplicasToDirsRequest = Body<typeof assignReplicasToDirsRequest>;

/** STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED, NOT_CONTROLLER, UNKNOWN_TOPIC_ID. */
export const assignReplicasToDirsResponse = /*@__PURE__*/ message(
  { key: 73, name: 'AssignReplicasToDirsResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    directories: array({
      id: uuid(),
      topics: array({
        topicId: uuid(),
        partitions: array({ partitionIndex: int32(), errorCode: errorCode() }),
      }),
    }),
  }),
);
export type AssignReplicasToDirsResponse = Body<typeof assignReplicasToDirsResponse>;
