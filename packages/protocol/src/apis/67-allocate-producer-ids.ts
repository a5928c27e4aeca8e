/** AllocateProducerIds: key 67, versions 0, flexible from 0. */
import { errorCode, int32, int64 } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Gives a broker a block of producer ids to hand out (KIP-730). */
export const allocateProducerIdsRequest = /*@__PURE__*/ message(
  { key: 67, name: 'AllocateProducerIdsRequest', versions: [0, 0], flexible: 0 },
  () => ({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
  }),
);
export type AllocateProducerIdsRequest = Body<typeof allocateProducerIdsRequest>;

/** STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED, NOT_CONTROLLER. */
export const allocateProducerIdsResponse = /*@__PURE__*/ message(
  { key: 67, name: 'AllocateProducerIdsResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    producerIdStart: int64(),
    producerIdLen: int32(),
  }),
);
export type AllocateProducerIdsResponse = Body<typeof allocateProducerIdsResponse>;
