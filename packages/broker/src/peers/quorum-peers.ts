/** The ensemble's requests between members: Kafka's Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch and FetchSnapshot. */
import {
  beginQuorumEpochRequest,
  beginQuorumEpochResponse,
  endQuorumEpochRequest,
  endQuorumEpochResponse,
  fetchRequest,
  fetchResponse,
  fetchSnapshotRequest,
  fetchSnapshotResponse,
  voteRequest,
  voteResponse,
} from '@odradek/protocol';
import type { QuorumPeers } from '@odradek/quorum';
import type { Peers } from './peers.ts';

export const VOTE = { request: voteRequest, response: voteResponse, version: 2 };
export const BEGIN_QUORUM_EPOCH = {
  request: beginQuorumEpochRequest,
  response: beginQuorumEpochResponse,
  version: 1,
};
export const END_QUORUM_EPOCH = {
  request: endQuorumEpochRequest,
  response: endQuorumEpochResponse,
  version: 1,
};
/** Topics by id, replica's directory id and high watermark (KIP-853, KIP-1166). */
export const QUORUM_FETCH = { request: fetchRequest, response: fetchResponse, version: 18 };
export const FETCH_SNAPSHOT = {
  request: fetchSnapshotRequest,
  response: fetchSnapshotResponse,
  version: 1,
};

/** The member has timeouts of its own; this one only ends what would never be answered. */
const ANSWER_TIMEOUT_MS = 10_000;

export const quorumPeers = (peers: Peers): QuorumPeers => ({
  vote: (to, body) => peers.ask(to, VOTE, body, ANSWER_TIMEOUT_MS),
  beginQuorumEpoch: (to, body) => peers.ask(to, BEGIN_QUORUM_EPOCH, body, ANSWER_TIMEOUT_MS),
  endQuorumEpoch: (to, body) => peers.ask(to, END_QUORUM_EPOCH, body, ANSWER_TIMEOUT_MS),
  fetch: (to, body) => peers.ask(to, QUORUM_FETCH, body, ANSWER_TIMEOUT_MS),
  fetchSnapshot: (to, body) => peers.ask(to, FETCH_SNAPSHOT, body, ANSWER_TIMEOUT_MS),
});
