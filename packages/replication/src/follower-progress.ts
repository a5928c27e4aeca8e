/**
 * What a leader knows of one follower in its own epoch: how far it has fetched, and when it was last at the end (KIP-16). It
 * begins with nothing known, whatever an earlier epoch knew: only what is said in this epoch moves the high watermark.
 */
import type { NodeId, Offset } from '@odradek/protocol';

export interface FollowerFetch {
  readonly nodeId: NodeId;
  /** -1: it does not say. */
  readonly brokerEpoch: number;
  /** It holds everything below, as durably as it promises. */
  readonly fetchOffset: Offset;
  readonly logStartOffset: Offset;
}

export class FollowerProgress {
  readonly nodeId: NodeId;
  /** Undefined: not heard of in this epoch. */
  endOffset: Offset | undefined;
  logStartOffset = 0 as Offset;
  brokerEpoch: number | undefined;
  /** A member of the ISR has one lag time to be heard of. */
  #lastCaughtUpMs: number;
  #lastFetchMs: number;
  #leaderEndAtLastFetch: Offset;

  constructor(nodeId: NodeId, isInSync: boolean, leaderEnd: Offset, nowMs: number) {
    this.nodeId = nodeId;
    this.#lastCaughtUpMs = isInSync ? nowMs : -Infinity;
    this.#lastFetchMs = isInSync ? nowMs : -Infinity;
    this.#leaderEndAtLastFetch = leaderEnd;
  }

  get lastCaughtUpMs(): number {
    return this.#lastCaughtUpMs;
  }

  fetched(fetch: FollowerFetch, leaderEnd: Offset, nowMs: number): void {
    if (fetch.fetchOffset >= leaderEnd) {
      this.#lastCaughtUpMs = nowMs;
    } else if (fetch.fetchOffset >= this.#leaderEndAtLastFetch) {
      // It has what there was when it last asked: it was caught up then, however fast the leader has gone on.
      this.#lastCaughtUpMs = Math.max(this.#lastCaughtUpMs, this.#lastFetchMs);
    }
    this.endOffset = fetch.fetchOffset;
    this.logStartOffset = fetch.logStartOffset;
    this.brokerEpoch = fetch.brokerEpoch;
    this.#lastFetchMs = nowMs;
    this.#leaderEndAtLastFetch = leaderEnd;
  }

  isCaughtUp(leaderEnd: Offset, nowMs: number, lagTimeMaxMs: number): boolean {
    return this.endOffset === leaderEnd || nowMs - this.#lastCaughtUpMs <= lagTimeMaxMs;
  }
}
