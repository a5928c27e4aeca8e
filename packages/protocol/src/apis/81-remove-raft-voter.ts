/** RemoveRaftVoter: key 81, versions 0, flexible from 0. */
import { errorCode, int32, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Takes a voter out of the metadata quorum (KIP-853). */
export const removeRaftVoterRequest = /*@__PURE__*/ message(
  { key: 81, name: 'RemoveRaftVoterRequest', versions: [0, 0], flexible: 0 },
  () => ({
    clusterId: string({ nullable: true }),
    voterId: int32(),
    voterDirectoryId: uuid(),
  }),
);
export type RemoveRaftVoterRequest = Body<typeof removeRaftVoterRequest>;

/** VOTER_NOT_FOUND, REQUEST_TIMED_OUT, NOT_LEADER_OR_FOLLOWER. */
export const removeRaftVoterResponse = /*@__PURE__*/ message(
  { key: 81, name: 'RemoveRaftVoterResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
  }),
);
export type RemoveRaftVoterResponse = Body<typeof removeRaftVoterResponse>;
