/**
 * BrokerHeartbeat: key 63, versions 0 to 1, flexible from 0.
 *
 * 1: log directories that failed (KIP-858).
 */
import { array, boolean, errorCode, int32, int64, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Keeps a broker registered, and carries its wish to be fenced or to stop (KIP-631). */
export const brokerHeartbeatRequest = /*@__PURE__*/ message(
  { key: 63, name: 'BrokerHeartbeatRequest', versions: [0, 1], flexible: 0 },
  () => ({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    /** How far the broker has read the metadata log. */
    currentMetadataOffset: int64(),
    wantFence: boolean(),
    wantShutDown: boolean(),
    offlineLogDirs: array(uuid(), { since: 1, tag: 0 }),
  }),
);
export type BrokerHeartbeatRequest = Body<typeof brokerHeartbeatRequest>;

/** STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED, NOT_CONTROLLER. */
export const brokerHeartbeatResponse = /*@__PURE__*/ message(
  { key: 63, name: 'BrokerHeartbeatResponse', versions: [0, 1], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    isCaughtUp: boolean({ default: false }),
    isFenced: boolean({ default: true }),
    shouldShutDown: boolean(),
  }),
);
export type BrokerHeartbeatResponse = Body<typeof brokerHeartbeatResponse>;
