/** Peers whose requests and answers are encoded and decoded on the way: what does not survive that, nobody may rely on. */
import {
  beginQuorumEpochRequest,
  beginQuorumEpochResponse,
  decode,
  encode,
  endQuorumEpochRequest,
  endQuorumEpochResponse,
  fetchRequest,
  fetchResponse,
  fetchSnapshotRequest,
  fetchSnapshotResponse,
  Reader,
  voteRequest,
  voteResponse,
} from '@odradek/protocol';
import type { Message } from '@odradek/protocol/schema';
import type { QuorumPeers } from '../member/peers.ts';

function carried<Out, In>(of: Message<Out, In>, body: In): Out {
  const version = of.info.versions[1];
  return decode(of, version, new Reader(Buffer.concat(encode(of, version, body))));
}

export const overTheWire = (peers: QuorumPeers): QuorumPeers => ({
  vote: async (to, request) =>
    carried(voteResponse, await peers.vote(to, carried(voteRequest, request))),
  beginQuorumEpoch: async (to, request) =>
    carried(
      beginQuorumEpochResponse,
      await peers.beginQuorumEpoch(to, carried(beginQuorumEpochRequest, request)),
    ),
  endQuorumEpoch: async (to, request) =>
    carried(
      endQuorumEpochResponse,
      await peers.endQuorumEpoch(to, carried(endQuorumEpochRequest, request)),
    ),
  fetch: async (to, request) =>
    carried(fetchResponse, await peers.fetch(to, carried(fetchRequest, request))),
  fetchSnapshot: async (to, request) =>
    carried(
      fetchSnapshotResponse,
      await peers.fetchSnapshot(to, carried(fetchSnapshotRequest, request)),
    ),
});
