/**
 * Follows one leader broker: keeps which partitions are to be fetched from it, asks for all of them in one request, and
 * hands each its part of the answer. What must be cut is told outside, because it is the replica's machine that waits for
 * its disk: that takes the partition out of here and puts it back when its log agrees.
 *
 * A partition whose answer was an error, or whose leader is not ready, waits by itself and grows its pause; the others go on.
 */
import type { Clock, Logger } from '@odradek/ports';
import {
  ErrorCode,
  offset,
  type FetchResponse,
  type LeaderEpoch,
  type NodeId,
  type Uuid,
} from '@odradek/protocol';
import { createActor, fromPromise, type ActorRefFrom } from 'xstate';
import type { ReplicaKey } from '../partition-replica.machine.ts';
import type { Truncation } from '../following.ts';
import type { PartitionReplica } from '../partition-replica.ts';
import { FollowerSession, partitionKey, type WantedPartition } from './follower-session.ts';
import { leaderFetcherMachine } from './leader-fetcher.machine.ts';
import type { LeaderLink } from './leader-link.ts';
import type { ReplicationQuota } from './replication-quota.ts';

/** Kafka's `replica.fetch.*`. */
export interface FetcherConfig {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  /** Of one answer: `replica.fetch.response.max.bytes`. */
  readonly maxBytes: number;
  /** Of one partition: `replica.fetch.max.bytes`. */
  readonly partitionMaxBytes: number;
  readonly backoffMs: number;
}

export const FETCHER_DEFAULTS: FetcherConfig = {
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 10 * 1024 * 1024,
  partitionMaxBytes: 1024 * 1024,
  backoffMs: 1_000,
};

/**
 * A partition that comes while a poll is under way does not wait for its end, which may be half a second away: all who produce
 * with acks=all would wait with it. The poll is given up after this moment, in which others may come too.
 */
const POLL_GIVEN_UP_AFTER_MS = 10;
/** A new leader is mostly a moment behind its followers: the first pause is short, and doubles up to the backoff. */
const FIRST_PAUSE_MS = 25;

export interface LeaderFetcherOptions {
  readonly nodeId: NodeId;
  readonly leader: NodeId;
  /** Of this broker, now (KIP-903). */
  readonly brokerEpoch: () => number;
  readonly link: LeaderLink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: () => FetcherConfig;
  /** The partition's log parts from its leader's: its machine is to cut it. Called outside of `add` and `remove`. */
  readonly onDiverged: (key: ReplicaKey, leaderEpoch: LeaderEpoch, truncation: Truncation) => void;
  /** Reassigned partitions that are not in sync share this; absent: nothing is throttled. */
  readonly throttle?: {
    readonly quota: ReplicationQuota;
    isThrottled(topic: string, partition: number): boolean;
  };
}

interface Entry {
  readonly key: ReplicaKey;
  readonly replica: PartitionReplica;
  readonly leaderEpoch: LeaderEpoch;
  notBeforeMs: number;
  pauseMs: number;
  isFlushAwaited: boolean;
}

type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];

export class LeaderFetcher {
  readonly leader: NodeId;
  readonly #options: LeaderFetcherOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #session = new FollowerSession();
  #actor: ActorRefFrom<typeof leaderFetcherMachine> | undefined;
  #isLooking = false;
  #isStopped = false;
  /** Of the request that is under way. */
  #giveUp: (() => void) | undefined;
  #giveUpTimer: ReturnType<Clock['setTimeout']> | undefined;
  #wake: { readonly atMs: number; readonly timer: ReturnType<Clock['setTimeout']> } | undefined;

  constructor(options: LeaderFetcherOptions) {
    this.leader = options.leader;
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The replica follows this leader in this epoch. */
  add(key: ReplicaKey, replica: PartitionReplica, leaderEpoch: LeaderEpoch): void {
    this.#entries.set(partitionKey(key.topicId, key.partition), {
      key,
      replica,
      leaderEpoch,
      notBeforeMs: -Infinity,
      pauseMs: 0,
      isFlushAwaited: false,
    });
    const cut = replica.cutBeforeFetching();
    // Not from within: the machine that adds it is on its way into the state that can be told.
    if (cut !== null) {
      void Promise.resolve().then(() => this.#options.onDiverged(key, leaderEpoch, cut));
    }
    this.#look();
    this.#giveUpSoon();
  }

  remove(key: ReplicaKey): void {
    this.#entries.delete(partitionKey(key.topicId, key.partition));
  }

  /** What is under way is not waited for: its answer changes nothing any more. */
  stop(): void {
    this.#entries.clear();
    if (this.#wake !== undefined) this.#options.clock.clearTimeout(this.#wake.timer);
    this.#wake = undefined;
    this.#keepOn();
    this.#isStopped = true;
    this.#look();
  }

  /**
   * In a moment: a thousand partitions that come in one turn are one request, and who adds one is often a machine's action,
   * within which no other machine should move.
   */
  #look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    void Promise.resolve().then(() => {
      this.#isLooking = false;
      this.#actor ??= this.#begin();
      if (this.#actor.getSnapshot().status !== 'active') return;
      this.#actor.send({ type: this.#isStopped ? 'stop.requested' : 'work.found' });
    });
  }

  #begin(): ActorRefFrom<typeof leaderFetcherMachine> {
    const { leader, clock, config } = this.#options;
    const machine = leaderFetcherMachine.provide({
      guards: { hasWork: () => this.#wanted().length > 0 },
      delays: { fetchBackoff: () => config().backoffMs },
      actions: { tellFailure: (_, { error }) => this.#failed(error) },
      actors: { fetchRounds: fromPromise(() => this.#fetchRounds()) },
    });
    return createActor(machine, { input: { leader }, clock }).start();
  }

  #wanted(): WantedPartition[] {
    const { clock, throttle } = this.#options;
    const nowMs = clock.monotonicMs();
    const throttledMs = throttle?.quota.waitMs() ?? 0;
    const wanted: WantedPartition[] = [];
    let nextMs = Infinity;
    for (const [key, entry] of this.#entries) {
      if (entry.notBeforeMs > nowMs) {
        nextMs = Math.min(nextMs, entry.notBeforeMs);
        continue;
      }
      if (throttledMs > 0 && this.#isThrottled(entry)) {
        nextMs = Math.min(nextMs, nowMs + throttledMs);
        continue;
      }
      const position = entry.replica.followerPosition(entry.leaderEpoch);
      if (position === undefined) {
        this.#awaitFlush(entry);
        continue;
      }
      const { topic, topicId, partition } = entry.key;
      wanted.push({
        key,
        topic,
        topicId: topicId as Uuid,
        partition,
        currentLeaderEpoch: entry.leaderEpoch,
        ...position,
      });
    }
    if (nextMs < Infinity) this.#wakeAt(nextMs);
    return wanted;
  }

  /**
   * One request is under way for all partitions. An answer is applied, and what it brought is flushed, before the next request
   * goes out, because a request tells the leader that all before its offsets is held.
   */
  async #fetchRounds(): Promise<void> {
    for (;;) {
      const wanted = this.#wanted();
      if (wanted.length === 0) return;
      const answer = await this.#fetch(wanted);
      // What is under way when it is stopped changes nothing any more.
      if (this.#isStopped) return;
      if (answer === undefined) continue;
      const flushed = this.#apply(answer);
      if (flushed !== undefined) await flushed;
      if (this.#isStopped) return;
    }
  }

  /** Undefined: it was given up, for one that asks for more. */
  async #fetch(wanted: WantedPartition[]): Promise<FetchResponse | undefined> {
    const answer = await this.#askOnce(wanted);
    if (answer === undefined) {
      this.#session.failed();
      return undefined;
    }
    if (this.#session.answered(answer)) return answer;
    // A leader that was started anew knows no session: one is begun at once. If that fails too, there is a pause.
    const second = await this.#askOnce(this.#wanted());
    if (second === undefined || this.#session.answered(second)) return second;
    throw new Error(`broker ${this.leader} refuses the fetch with code ${second.errorCode}`);
  }

  async #askOnce(wanted: WantedPartition[]): Promise<FetchResponse | undefined> {
    const { link, nodeId, brokerEpoch, config } = this.#options;
    const { maxWaitMs, minBytes, maxBytes, partitionMaxBytes } = config();
    const { isBeginning } = this.#session;
    const session = this.#session.next(wanted, partitionMaxBytes);
    const answer = link.fetch({
      replicaId: nodeId,
      replicaState: { replicaId: nodeId, replicaEpoch: brokerEpoch() },
      // While somebody waits with a pause of his own, the poll must not outlast it. What begins a session is answered at once,
      // and never given up: the leader would keep a session of which nobody knows.
      maxWaitMs: isBeginning ? 0 : Math.ceil(Math.min(maxWaitMs, this.#msUntilWake())),
      minBytes,
      maxBytes,
      ...session,
    });
    if (isBeginning) return answer;
    const givenUp = new Promise<undefined>((resolve) => (this.#giveUp = () => resolve(undefined)));
    try {
      return await Promise.race([answer, givenUp]);
    } finally {
      this.#keepOn();
      this.#giveUp = undefined;
    }
  }

  #giveUpSoon(): void {
    if (this.#giveUp === undefined || this.#giveUpTimer !== undefined) return;
    this.#giveUpTimer = this.#options.clock.setTimeout(
      () => this.#giveUp?.(),
      POLL_GIVEN_UP_AFTER_MS,
    );
  }

  /** The next request names all there are. */
  #keepOn(): void {
    if (this.#giveUpTimer !== undefined) this.#options.clock.clearTimeout(this.#giveUpTimer);
    this.#giveUpTimer = undefined;
  }

  /** Undefined: there is nothing to flush. */
  #apply(response: FetchResponse): Promise<unknown> | undefined {
    const flushes: Promise<void>[] = [];
    for (const topic of response.responses) {
      for (const answer of topic.partitions) {
        const key = partitionKey(topic.topicId, answer.partitionIndex);
        const entry = this.#entries.get(key);
        const asked = this.#session.asked(key);
        // It left meanwhile, or follows in another epoch by now.
        if (entry === undefined || asked?.currentLeaderEpoch !== entry.leaderEpoch) continue;
        const pending = this.#applyOne(entry, asked, answer);
        if (pending !== undefined) flushes.push(pending);
      }
    }
    return flushes.length > 0 ? Promise.all(flushes) : undefined;
  }

  #applyOne(
    entry: Entry,
    asked: WantedPartition,
    answer: PartitionAnswer,
  ): Promise<void> | undefined {
    const { replica, leaderEpoch } = entry;
    switch (answer.errorCode) {
      case ErrorCode.NONE:
        break;
      case ErrorCode.OFFSET_OUT_OF_RANGE:
        return this.#outOfRange(entry, asked, answer.logStartOffset);
      default:
        this.#pause(entry);
        return undefined;
    }
    if (answer.divergingEpoch.epoch >= 0) {
      this.#diverged(entry, asked, replica.divergenceFrom(answer.divergingEpoch));
      return undefined;
    }
    const records = answer.records === null ? [] : [answer.records];
    const outcome = replica.appendFetched(leaderEpoch, asked.fetchOffset, {
      records,
      highWatermark: answer.highWatermark,
      logStartOffset: answer.logStartOffset,
    });
    switch (outcome.status) {
      case 'appended':
        entry.pauseMs = 0;
        if (outcome.sizeBytes === 0) return undefined;
        if (this.#isThrottled(entry)) this.#options.throttle!.quota.take(outcome.sizeBytes);
        return replica.whenFlushed();
      case 'beginsBefore':
        this.#diverged(entry, asked, outcome.truncation);
        return undefined;
      case 'refused':
        this.#options.logger.warn('what the leader gave cannot be appended', {
          ...entry.key,
          leader: this.leader,
          errorCode: outcome.errorCode,
          reason: outcome.message,
        });
        this.#pause(entry);
        return undefined;
      case 'stale':
        return undefined;
    }
  }

  /**
   * The leader has nothing at our offset. Its log begins behind our end: ours is of no use, it begins anew there. Or its log
   * ends before ours, without an epoch that could tell where they part (an empty log): ours is cut to its end.
   */
  async #outOfRange(entry: Entry, asked: WantedPartition, leaderStart: number): Promise<void> {
    if (leaderStart > asked.fetchOffset) {
      this.#diverged(entry, asked, { kind: 'anew', startOffset: offset(leaderStart) });
      return;
    }
    // Whatever comes of the question, the partition is not asked for in vain meanwhile.
    this.#pause(entry);
    const end = await this.#leaderEnd(entry).catch(() => -1);
    const isStillHere = this.#entries.get(asked.key) === entry;
    if (isStillHere && end >= 0 && end < asked.fetchOffset) {
      this.#diverged(entry, asked, { kind: 'cut', endOffset: offset(end) });
    }
  }

  /** The end of the leader's own epoch is the end of its log. */
  async #leaderEnd({ key, leaderEpoch }: Entry): Promise<number> {
    const response = await this.#options.link.offsetsForLeaderEpoch({
      replicaId: this.#options.nodeId,
      topics: [
        {
          topic: key.topic,
          partitions: [{ partition: key.partition, currentLeaderEpoch: leaderEpoch, leaderEpoch }],
        },
      ],
    });
    const answer = response.topics[0]?.partitions[0];
    return answer === undefined || answer.errorCode !== ErrorCode.NONE ? -1 : answer.endOffset;
  }

  #diverged(entry: Entry, asked: WantedPartition, truncation: Truncation): void {
    const { logger, onDiverged } = this.#options;
    if (truncation.kind === 'cut' && truncation.endOffset >= asked.fetchOffset) {
      logger.error('the leader says that the logs part, and they do not', {
        ...entry.key,
        leader: this.leader,
        leaderEpoch: entry.leaderEpoch,
      });
      this.#pause(entry);
      return;
    }
    onDiverged(entry.key, entry.leaderEpoch, truncation);
  }

  #isThrottled({ key, replica }: Entry): boolean {
    const { throttle, nodeId } = this.#options;
    if (throttle === undefined || !throttle.isThrottled(key.topic, key.partition)) return false;
    // Who is in sync is needed for acknowledgements, and takes no more than what is produced.
    return !replica.assignment?.isr.includes(nodeId);
  }

  #pause(entry: Entry): void {
    const { clock, config } = this.#options;
    entry.pauseMs = Math.min(config().backoffMs, Math.max(FIRST_PAUSE_MS, entry.pauseMs * 2));
    entry.notBeforeMs = clock.monotonicMs() + entry.pauseMs;
  }

  #awaitFlush(entry: Entry): void {
    if (entry.isFlushAwaited) return;
    entry.isFlushAwaited = true;
    void entry.replica.whenFlushed().then(() => {
      entry.isFlushAwaited = false;
      this.#look();
      this.#giveUpSoon();
    });
  }

  #msUntilWake(): number {
    if (this.#wake === undefined) return Infinity;
    return Math.max(0, this.#wake.atMs - this.#options.clock.monotonicMs());
  }

  #wakeAt(atMs: number): void {
    const { clock } = this.#options;
    if (this.#wake !== undefined) {
      if (this.#wake.atMs <= atMs) return;
      clock.clearTimeout(this.#wake.timer);
    }
    const timer = clock.setTimeout(
      () => {
        this.#wake = undefined;
        this.#look();
      },
      Math.max(1, atMs - clock.monotonicMs()),
    );
    this.#wake = { atMs, timer };
  }

  #failed(error: unknown): void {
    this.#session.failed();
    this.#options.logger.warn('fetching from a leader failed', { leader: this.leader, error });
  }
}
