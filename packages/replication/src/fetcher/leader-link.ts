/** The way to another broker, as a follower uses it. A peer link stands behind it, or a simulator's queue. */
import type {
  FetchResponse,
  Input,
  OffsetForLeaderEpochResponse,
  fetchRequest,
  offsetForLeaderEpochRequest,
} from '@odradek/protocol';

export interface LeaderLink {
  /** Rejects when no answer came: whether the leader saw the request is then unknown. Never hangs for ever. */
  fetch(request: Input<typeof fetchRequest>): Promise<FetchResponse>;
  offsetsForLeaderEpoch(
    request: Input<typeof offsetForLeaderEpochRequest>,
  ): Promise<OffsetForLeaderEpochResponse>;
}
