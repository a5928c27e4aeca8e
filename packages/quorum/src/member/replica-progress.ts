/**
 * What a leader knows of those who fetch from it: how far each has come, and when it was last heard. It is all that the high
 * watermark, the check of the quorum and DescribeQuorum rest on. A replica is a node with its incarnation; what an older
 * incarnation once held says nothing of a newer one.
 *
 * Deadlines go by the monotonic clock. The wall clock is for people alone.
 */
import type { Clock } from '@odradek/ports';
import { offset, type NodeId, type Offset, type Uuid } from '@odradek/protocol';
import { OBSERVERS_MAX, OBSERVER_SESSION_TIMEOUT_MS } from '../limits.ts';
import { isVoterIn, type VoterSet } from './voters.ts';

export interface ReplicaKey {
  readonly id: NodeId;
  readonly incarnation: Uuid;
}

/** As DescribeQuorum tells it; times are -1 where there is none. */
export interface ReplicaDescription extends ReplicaKey {
  readonly logEndOffset: Offset;
  readonly lastFetchTimestampMs: number;
  readonly lastCaughtUpTimestampMs: number;
}

interface Progress extends ReplicaKey {
  logEndOffset: Offset;
  heardMs: number;
  lastFetchTimestampMs: number;
  lastCaughtUpTimestampMs: number;
  /** The leader's log at the last fetch: who has reached it by the next one was caught up then. */
  leaderEndOffset: Offset;
}

const keyOf = ({ id, incarnation }: ReplicaKey): string => `${id} ${incarnation}`;

export class ReplicaProgress {
  readonly #clock: Clock;
  readonly #replicas = new Map<string, Progress>();
  /** A voter that never fetched is silent since then. */
  readonly #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  /** It has asked for what comes at `fetchOffset`: everything before is on its disk, as this leader has it. */
  fetched(key: ReplicaKey, fetchOffset: Offset, leaderEndOffset: Offset): void {
    const progress = this.#of(key);
    const wallTimeMs = this.#clock.wallTimeMs();
    if (fetchOffset >= leaderEndOffset) progress.lastCaughtUpTimestampMs = wallTimeMs;
    else if (progress.lastFetchTimestampMs >= 0 && fetchOffset >= progress.leaderEndOffset)
      progress.lastCaughtUpTimestampMs = progress.lastFetchTimestampMs;
    progress.logEndOffset = fetchOffset;
    progress.heardMs = this.#clock.monotonicMs();
    progress.lastFetchTimestampMs = wallTimeMs;
    progress.leaderEndOffset = leaderEndOffset;
  }

  /** It follows this leader; what it holds is not known, or not the leader's. */
  heard(key: ReplicaKey): void {
    this.#of(key).heardMs = this.#clock.monotonicMs();
  }

  #of(key: ReplicaKey): Progress {
    const known = this.#replicas.get(keyOf(key));
    if (known !== undefined) return known;
    if (this.#replicas.size >= OBSERVERS_MAX) this.#forgetMostSilent();
    const progress: Progress = {
      id: key.id,
      incarnation: key.incarnation,
      logEndOffset: offset(0),
      heardMs: this.#clock.monotonicMs(),
      lastFetchTimestampMs: -1,
      lastCaughtUpTimestampMs: -1,
      leaderEndOffset: offset(0),
    };
    this.#replicas.set(keyOf(key), progress);
    return progress;
  }

  endOffsetOf(key: ReplicaKey): Offset {
    return this.#replicas.get(keyOf(key))?.logEndOffset ?? offset(0);
  }

  /** For how long nothing was heard of it. */
  silentForMs(key: ReplicaKey): number {
    const heardMs = this.#replicas.get(keyOf(key))?.heardMs ?? this.#sinceMs;
    return this.#clock.monotonicMs() - heardMs;
  }

  hasFetched(key: ReplicaKey): boolean {
    return this.#replicas.has(keyOf(key));
  }

  describe(key: ReplicaKey): ReplicaDescription {
    const progress = this.#replicas.get(keyOf(key));
    return {
      id: key.id,
      incarnation: key.incarnation,
      logEndOffset: progress?.logEndOffset ?? offset(-1),
      lastFetchTimestampMs: progress?.lastFetchTimestampMs ?? -1,
      lastCaughtUpTimestampMs: progress?.lastCaughtUpTimestampMs ?? -1,
    };
  }

  /** Everybody else that was heard of lately, by id. */
  observers(voters: VoterSet): ReplicaDescription[] {
    return [...this.#replicas.values()]
      .filter(
        (it) =>
          !isVoterIn(voters, it.id, it.incarnation) &&
          this.silentForMs(it) < OBSERVER_SESSION_TIMEOUT_MS,
      )
      .map((it) => this.describe(it))
      .sort((a, b) => a.id - b.id || (a.incarnation < b.incarnation ? -1 : 1));
  }

  #forgetMostSilent(): void {
    const [silent] = [...this.#replicas.entries()].sort(([, a], [, b]) => a.heardMs - b.heardMs);
    this.#replicas.delete(silent![0]);
  }
}
