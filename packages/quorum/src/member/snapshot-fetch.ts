/**
 * A snapshot in pieces, from the leader: for a member whose place in the log the leader no longer has. It is held in memory
 * until it is whole, since only then its checksum says that it is one.
 */
import type { Clock } from '@odradek/ports';
import { ErrorCode, type LeaderEpoch, type NodeId, type Uuid } from '@odradek/protocol';
import { SNAPSHOT_BYTES_MAX, SNAPSHOT_PIECE_BYTES } from '../limits.ts';
import type { SnapshotId } from '../tree/snapshot.ts';
import { fetchSnapshotRequestOf } from './messages.ts';
import type { QuorumPeers } from './peers.ts';
import { withTimeout } from './waiting.ts';

export interface SnapshotFetch {
  readonly clusterId: string | null;
  readonly nodeId: NodeId;
  readonly incarnation: Uuid;
  readonly peers: QuorumPeers;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly epoch: LeaderEpoch;
  readonly leaderId: NodeId;
  readonly id: SnapshotId;
  readonly isWanted: () => boolean;
}

/** Undefined: there is no getting it now. */
export async function fetchSnapshot(fetch: SnapshotFetch): Promise<Uint8Array | undefined> {
  const { id, peers, clock, requestTimeoutMs, leaderId } = fetch;
  let whole: Uint8Array | undefined;
  for (let position = 0; whole === undefined || position < whole.length;) {
    const request = fetchSnapshotRequestOf({
      clusterId: fetch.clusterId,
      replicaId: fetch.nodeId,
      incarnation: fetch.incarnation,
      epoch: fetch.epoch,
      id,
      position,
      maxBytes: SNAPSHOT_PIECE_BYTES,
    });
    let partition;
    try {
      const answer = await withTimeout(
        clock,
        peers.fetchSnapshot(leaderId, request),
        requestTimeoutMs,
      );
      partition = answer.topics[0]?.partitions[0];
    } catch {
      return undefined;
    }
    if (partition === undefined || partition.errorCode !== ErrorCode.NONE || !fetch.isWanted())
      return undefined;
    const { size, unalignedRecords: piece } = partition;
    whole ??= size > 0 && size <= SNAPSHOT_BYTES_MAX ? new Uint8Array(size) : undefined;
    const isSound =
      whole?.length === size &&
      partition.position === position &&
      piece.length > 0 &&
      position + piece.length <= size;
    if (!isSound) return undefined;
    whole!.set(piece, position);
    position += piece.length;
  }
  return whole;
}
