/**
 * FindCoordinator: key 10, versions 0 to 6, flexible from 3.
 *
 * 1: the type of the key. 4: many keys, and the flat fields of the answer are gone (KIP-699). 5:
 * TRANSACTION_ABORTABLE. 6: keys of share groups.
 */
import { array, errorCode, int8, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Finds the broker that coordinates a group or a transactional id. */
export const findCoordinatorRequest = /*@__PURE__*/ message(
  { key: 10, name: 'FindCoordinatorRequest', versions: [0, 6], flexible: 3 },
  () => ({
    key: string({ until: 3 }),
    /** 0: group. 1: transactional id. 2: share group. */
    keyType: int8({ since: 1, default: 0 }),
    coordinatorKeys: array(string(), { since: 4 }),
  }),
);
export type FindCoordinatorRequest = Body<typeof findCoordinatorRequest>;

/**
 * COORDINATOR_NOT_AVAILABLE: not yet, ask again. GROUP_AUTHORIZATION_FAILED,
 * TRANSACTIONAL_ID_AUTHORIZATION_FAILED, INVALID_REQUEST: unknown type of key.
 */
export const findCoordinatorResponse = /*@__PURE__*/ message(
  { key: 10, name: 'FindCoordinatorResponse', versions: [0, 6], flexible: 3 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 1 }),
    errorCode: errorCode({ until: 3 }),
    errorMessage: errorMessage({ since: 1, until: 3 }),
    nodeId: int32({ until: 3 }),
    host: string({ until: 3 }),
    port: int32({ until: 3 }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: errorCode(),
        errorMessage: errorMessage(),
      },
      { since: 4 },
    ),
  }),
);
export type FindCoordinatorResponse = Body<typeof findCoordinatorResponse>;
