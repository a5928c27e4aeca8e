/**
 * Which replica a client should read (KIP-392), by Kafka's RackAwareReplicaSelector: one in the client's rack that is up, in
 * sync and holds the offset; the leader if it is among them, else the one that is furthest.
 */
import type { NodeId, Offset } from '@odradek/protocol';
import type { ReplicaCluster } from './cluster-view.ts';
import type { Leadership } from './leadership.ts';

/** Undefined: the leader, which was asked. */
export const preferredReadReplica = (
  leadership: Leadership,
  leader: NodeId,
  clientRack: string,
  fetchOffset: Offset,
  cluster: ReplicaCluster,
): NodeId | undefined => {
  if (cluster.broker(leader)?.rack === clientRack) return undefined;
  let best: { nodeId: NodeId; endOffset: Offset; lastCaughtUpMs: number } | undefined;
  for (const nodeId of leadership.isr.committed) {
    const follower = leadership.follower(nodeId);
    const peer = cluster.broker(nodeId);
    if (follower?.endOffset === undefined || peer === undefined) continue;
    if (peer.isFenced || peer.isShuttingDown || peer.rack !== clientRack) continue;
    const { endOffset, logStartOffset, lastCaughtUpMs } = follower;
    if (fetchOffset < logStartOffset || fetchOffset > endOffset) continue;
    if (
      best === undefined ||
      endOffset > best.endOffset ||
      (endOffset === best.endOffset && lastCaughtUpMs > best.lastCaughtUpMs)
    ) {
      best = { nodeId, endOffset, lastCaughtUpMs };
    }
  }
  return best?.nodeId;
};
