/**
 * ElectLeaders: key 43, versions 0 to 2, flexible from 2.
 *
 * 1: unclean elections (KIP-460).
 */
import { array, errorCode, int8, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Elects leaders for partitions, the preferred ones or any. */
export const electLeadersRequest = /*@__PURE__*/ message(
  { key: 43, name: 'ElectLeadersRequest', versions: [0, 2], flexible: 2 },
  () => ({
    /** 0: the preferred replica. 1: unclean, only where there is no leader. */
    electionType: int8({ since: 1 }),
    /** Null: all. */
    topicPartitions: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      { nullable: true },
    ),
    timeoutMs: int32({ default: 60000 }),
  }),
);
export type ElectLeadersRequest = Body<typeof electLeadersRequest>;

/**
 * ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE,
 * NOT_CONTROLLER.
 */
export const electLeadersResponse = /*@__PURE__*/ message(
  { key: 43, name: 'ElectLeadersResponse', versions: [0, 2], flexible: 2 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode({ since: 1 }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: errorCode(),
        errorMessage: errorMessage(),
      }),
    }),
  }),
);
export type ElectLeadersResponse = Body<typeof electLeadersResponse>;
