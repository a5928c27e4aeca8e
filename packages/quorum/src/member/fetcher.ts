/**
 * A follower's pull: asks the leader for what comes behind its own log, over and over, or, while it knows no leader, asks
 * everybody in turn whether there is one. What comes back is appended and flushed before the next question goes out, because
 * the question says what this replica holds.
 *
 * It decides nothing about roles: it tells what it has heard, and ends when its role does.
 */
import type { Clock, Logger, Random } from '@odradek/ports';
import {
  ErrorCode,
  leaderEpoch,
  offset,
  type FetchResponse,
  type LeaderEpoch,
  type NodeId,
  type Offset,
  type Uuid,
} from '@odradek/protocol';
import {
  FETCH_BYTES_MAX,
  FETCH_WAIT_MS_MAX,
  RETRY_BACKOFF_MS,
  RETRY_JITTER_MS,
  SEARCH_INTERVAL_MS,
  UNREACHABLE_FAILURES,
} from '../limits.ts';
import type { SnapshotId } from '../tree/snapshot.ts';
import { holdsMajority, type LogEnd } from './election.ts';
import { fetchedPartitionOf, fetchRequestOf, leaderOrNull } from './messages.ts';
import type { QuorumPeers } from './peers.ts';
import { sleep, withTimeout } from './waiting.ts';

export interface FetcherOptions {
  readonly clusterId: () => string | null;
  readonly nodeId: NodeId;
  readonly incarnation: Uuid;
  readonly peers: QuorumPeers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly requestTimeoutMs: number;
  /** Of this member's log. */
  readonly logEnd: () => LogEnd;
  /** Everything in this member's log is on its disk: only then a question may go out that says so. */
  readonly flushed: () => Promise<void> | undefined;
  readonly highWatermark: () => Offset;
  /** Everybody who may know the leader, this node not among them. */
  readonly candidates: () => readonly NodeId[];
  /** Of all voters; empty while they are not known. */
  readonly voters: () => readonly NodeId[];
  /** The most that a member hesitates to say that there is no leader: others come to the same conclusion at the same time. */
  readonly hesitationMsMax: number;
  /** Resolves when the records are flushed; undefined: they do not fit, which nothing here can mend. */
  readonly append: (records: Uint8Array) => Promise<void> | undefined;
  readonly heard: FetcherEvents;
}

export interface FetcherEvents {
  /** The leader has answered. */
  answered(): void;
  /** This log is a beginning of the leader's, whose high watermark is this. */
  committed(highWatermark: Offset): void;
  diverged(end: { epoch: LeaderEpoch; endOffset: Offset }): void;
  snapshotRequired(id: SnapshotId): void;
  /** Some answer names an epoch and, maybe, who leads in it. */
  standing(epoch: LeaderEpoch, leaderId: NodeId | null): void;
  /** It says itself that it does not lead (any more) in the epoch in which it was believed to. */
  leaderLeft(): void;
  unreachable(): void;
  /** A majority of the voters, this member among them, knows of none. */
  leaderMissing(): void;
}

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #epoch: LeaderEpoch;
  #isActive = true;
  #failures = 0;
  /** Members that have answered, and knew no leader. */
  readonly #leaderless = new Set<NodeId>();
  #isMissingTold = false;

  constructor(options: FetcherOptions, epoch: LeaderEpoch) {
    this.#options = options;
    this.#epoch = epoch;
  }

  /** The last question had no good answer. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  stop(): void {
    this.#isActive = false;
  }

  async follow(leaderId: NodeId): Promise<void> {
    while (this.#isActive) {
      const maxWaitMs = Math.min(FETCH_WAIT_MS_MAX, this.#options.requestTimeoutMs / 2);
      const response = await this.#ask(leaderId, Math.floor(maxWaitMs));
      if (!this.#isActive) return;
      const isFruitful = response !== undefined && (await this.#take(response, leaderId));
      if (isFruitful) this.#failures = 0;
      else if (this.#isActive) await this.#backOff();
    }
  }

  /** From a random one on, so that not all ask the same. Those who have not answered yet are asked each time. */
  async search(): Promise<void> {
    const { clock, random, candidates } = this.#options;
    for (let turn = random.uint32() % 1024; this.#isActive; turn++) {
      const peers = candidates();
      if (peers.length === 0) return;
      const next = peers[turn % peers.length]!;
      for (const peer of peers)
        if (peer === next || !this.#leaderless.has(peer)) void this.#lookUp(peer);
      await sleep(clock, SEARCH_INTERVAL_MS + (random.uint32() % SEARCH_INTERVAL_MS));
    }
  }

  async #lookUp(peer: NodeId): Promise<void> {
    try {
      const response = await this.#ask(peer, 0);
      const partition = response === undefined ? undefined : fetchedPartitionOf(response);
      if (partition === undefined || !this.#isActive) return;
      this.#hear(partition.currentLeader);
      if (partition.currentLeader.leaderId < 0) await this.#noteLeaderless(peer);
    } catch {
      // The disk refused: the log says so itself.
    }
  }

  async #noteLeaderless(peer: NodeId): Promise<void> {
    const { clock, random, nodeId, voters, hesitationMsMax, heard } = this.#options;
    this.#leaderless.add(peer);
    if (this.#isMissingTold || !holdsMajority([nodeId, ...this.#leaderless], voters())) return;
    this.#isMissingTold = true;
    await sleep(clock, random.uint32() % hesitationMsMax);
    if (this.#isActive) heard.leaderMissing();
  }

  /** Undefined: no answer. Rejects when the disk refuses. */
  async #ask(to: NodeId, maxWaitMs: number): Promise<FetchResponse | undefined> {
    const { peers, clock, requestTimeoutMs, flushed, logEnd } = this.#options;
    const flushing = flushed();
    if (flushing !== undefined) {
      await flushing;
      if (!this.#isActive) return undefined;
    }
    const { lastEpoch, endOffset } = logEnd();
    const request = fetchRequestOf({
      clusterId: this.#options.clusterId(),
      replicaId: this.#options.nodeId,
      incarnation: this.#options.incarnation,
      epoch: this.#epoch,
      fetchOffset: endOffset,
      lastEpoch,
      highWatermark: this.#options.highWatermark(),
      maxWaitMs,
      maxBytes: FETCH_BYTES_MAX,
    });
    try {
      return await withTimeout(clock, peers.fetch(to, request), requestTimeoutMs);
    } catch {
      return undefined;
    }
  }

  /** True: the leader has done its part, and may be asked again at once. */
  async #take(response: FetchResponse, leaderId: NodeId): Promise<boolean> {
    const { heard, logger } = this.#options;
    const partition = fetchedPartitionOf(response);
    if (partition === undefined) {
      logger.warn('the leader of the metadata quorum refuses this node', {
        leaderId,
        errorCode: response.errorCode,
      });
      return false;
    }
    const { currentLeader, divergingEpoch, snapshotId } = partition;
    this.#hear(currentLeader);
    if (!this.#isActive || currentLeader.leaderEpoch !== this.#epoch) return false;
    if (partition.errorCode !== ErrorCode.NONE) {
      const isDenial =
        partition.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER && currentLeader.leaderId < 0;
      if (isDenial) heard.leaderLeft();
      return false;
    }
    const highWatermark = offset(partition.highWatermark);
    heard.answered();
    if (snapshotId.endOffset >= 0) {
      heard.snapshotRequired({
        nextOffset: offset(snapshotId.endOffset),
        epoch: leaderEpoch(snapshotId.epoch),
      });
      return true;
    }
    if (divergingEpoch.endOffset >= 0) {
      const { epoch, endOffset } = divergingEpoch;
      heard.diverged({ epoch: leaderEpoch(epoch), endOffset: offset(endOffset) });
      return true;
    }
    const { records } = partition;
    if (records !== null && records.length > 0) {
      const flushed = this.#options.append(records);
      if (flushed === undefined) return false;
      await flushed;
      if (!this.#isActive) return false;
    }
    heard.committed(highWatermark);
    return true;
  }

  #hear(current: { readonly leaderId: number; readonly leaderEpoch: number }): void {
    if (current.leaderEpoch >= 0)
      this.#options.heard.standing(
        leaderEpoch(current.leaderEpoch),
        leaderOrNull(current.leaderId),
      );
  }

  async #backOff(): Promise<void> {
    this.#failures += 1;
    if (this.#failures === UNREACHABLE_FAILURES) this.#options.heard.unreachable();
    const { clock, random } = this.#options;
    // All followers lose the leader at the same time; who comes first should not meet another.
    const jitterMs = random.uint32() % RETRY_JITTER_MS;
    if (this.#isActive) await sleep(clock, RETRY_BACKOFF_MS + jitterMs);
  }
}
