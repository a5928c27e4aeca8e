/** UpdateRaftVoter: key 82, versions 0, flexible from 0. */
import { array, errorCode, int16, int32, string, struct, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { endpoint, throttleTimeMs } from './words.ts';

/** A voter of the metadata quorum tells its new addresses (KIP-853). */
export const updateRaftVoterRequest = /*@__PURE__*/ message(
  { key: 82, name: 'UpdateRaftVoterRequest', versions: [0, 0], flexible: 0 },
  () => ({
    clusterId: string({ nullable: true }),
    currentLeaderEpoch: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array(endpoint()),
    kRaftVersionFeature: struct({
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    }),
  }),
);
export type UpdateRaftVoterRequest = Body<typeof updateRaftVoterRequest>;

/** VOTER_NOT_FOUND, INVALID_REQUEST, NOT_LEADER_OR_FOLLOWER. */
export const updateRaftVoterResponse = /*@__PURE__*/ message(
  { key: 82, name: 'UpdateRaftVoterResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    currentLeader: struct(
      {
        leaderId: int32({ default: -1 }),
        leaderEpoch: int32({ default: -1 }),
        host: string(),
        port: int32(),
      },
      { tag: 0 },
    ),
  }),
);
export type UpdateRaftVoterResponse = Body<typeof updateRaftVoterResponse>;
