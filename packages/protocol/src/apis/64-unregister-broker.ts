/** UnregisterBroker: key 64, versions 0, flexible from 0. */
import { errorCode, int32 } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Takes a broker that is gone out of the cluster. */
export const unregisterBrokerRequest = /*@__PURE__*/ message(
  { key: 64, name: 'UnregisterBrokerRequest', versions: [0, 0], flexible: 0 },
  () => ({
    brokerId: int32(),
  }),
);
export type UnregisterBrokerRequest = Body<typeof unregisterBrokerRequest>;

/** BROKER_ID_NOT_REGISTERED, NOT_CONTROLLER. */
export const unregisterBrokerResponse = /*@__PURE__*/ message(
  { key: 64, name: 'UnregisterBrokerResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
  }),
);
export type UnregisterBrokerResponse = Body<typeof unregisterBrokerResponse>;
