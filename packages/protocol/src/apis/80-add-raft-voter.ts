/**
 * AddRaftVoter: key 80, versions 0 to 1, flexible from 0.
 *
 * 1: may be answered before it is committed (KIP-1186).
 */
import { array, boolean, errorCode, int32, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { endpoint, errorMessage, throttleTimeMs } from './words.ts';

/** Makes a node a voter of the metadata quorum (KIP-853). */
export const addRaftVoterRequest = /*@__PURE__*/ message(
  { key: 80, name: 'AddRaftVoterRequest', versions: [0, 1], flexible: 0 },
  () => ({
    clusterId: string({ nullable: true }),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array(endpoint()),
    ackWhenCommitted: boolean({ since: 1, default: true }),
  }),
);
export type AddRaftVoterRequest = Body<typeof addRaftVoterRequest>;

/**
 * DUPLICATE_VOTER, REQUEST_TIMED_OUT, INVALID_REQUEST, UNSUPPORTED_VERSION, NOT_LEADER_OR_FOLLOWER.
 */
export const addRaftVoterResponse = /*@__PURE__*/ message(
  { key: 80, name: 'AddRaftVoterResponse', versions: [0, 1], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
  }),
);
export type AddRaftVoterResponse = Body<typeof addRaftVoterResponse>;
