/**
 * The other members, as the shell reaches them: Kafka's own requests, whole. A rejection means that no answer came; whether
 * the request arrived is then not known. Answers may take as long as they like: the member has timeouts of its own.
 */
import type {
  BeginQuorumEpochRequest,
  BeginQuorumEpochResponse,
  EndQuorumEpochRequest,
  EndQuorumEpochResponse,
  FetchRequest,
  FetchResponse,
  FetchSnapshotRequest,
  FetchSnapshotResponse,
  NodeId,
  VoteRequest,
  VoteResponse,
} from '@odradek/protocol';

export interface QuorumPeers {
  vote(to: NodeId, request: VoteRequest): Promise<VoteResponse>;
  beginQuorumEpoch(to: NodeId, request: BeginQuorumEpochRequest): Promise<BeginQuorumEpochResponse>;
  endQuorumEpoch(to: NodeId, request: EndQuorumEpochRequest): Promise<EndQuorumEpochResponse>;
  fetch(to: NodeId, request: FetchRequest): Promise<FetchResponse>;
  fetchSnapshot(to: NodeId, request: FetchSnapshotRequest): Promise<FetchSnapshotResponse>;
}

const nobody = (to: NodeId): Promise<never> =>
  Promise.reject(new Error(`there is no way to node ${to}: this node was started alone`));

export const noPeers: QuorumPeers = {
  vote: nobody,
  beginQuorumEpoch: nobody,
  endQuorumEpoch: nobody,
  fetch: nobody,
  fetchSnapshot: nobody,
};
