/**
 * Reads partitions: its share of a group's, or those that it is told. It fetches ahead of who works on the records, up to a limit; hands out
 * batch after batch of records with `poll`; keeps account of what is finished; and commits the finished prefix.
 *
 * It goes on by itself over lost connections, moved leaders and rebalances. What cannot be helped by waiting ends it: `poll` then rejects
 * with the reason, again and again. Long, because here fetching, positions and the group meet; each of them is decided elsewhere.
 */
import type { AbortSignalLike, TimerHandle } from '@odradek/ports';
import { ErrorCode } from '@odradek/protocol';
import type { FetchResponse } from '@odradek/protocol';
import { fetchApi } from '../api.ts';
import type { Cluster } from '../cluster.ts';
import {
  BrokerError,
  ClientClosed,
  ClientError,
  CommitFailed,
  LogTruncated,
  NoOffset,
  ProtocolViolation,
  UnsupportedApi,
  check,
  isRetriable,
} from '../errors.ts';
import { backoffMs, pause, throwIfAborted, withRetries } from '../retry.ts';
import type { Assignor } from './assignors/assignor.ts';
import { rangeAssignor } from './assignors/range.ts';
import { roundRobinAssignor } from './assignors/round-robin.ts';
import { cooperativeStickyAssignor, stickyAssignor } from './assignors/sticky.ts';
import { FetchSession } from './fetch-session.ts';
import { Fetched } from './fetched.ts';
import type { ConsumerRecord } from './fetched.ts';
import { GroupCoordinator, NO_MEMBER } from './group-coordinator.ts';
import type { CommittedOffset, OffsetToCommit } from './group-coordinator.ts';
import { Membership } from './membership.ts';
import { endsOfEpochs, lookUpOffsets, timestampOf } from './offset-lookup.ts';
import { PartitionState } from './partition-state.ts';
import type { StartingAt } from './partition-state.ts';
import { groupByTopic, keyOf, partitionKey } from './topic-partition.ts';
import type { TopicPartition } from './topic-partition.ts';

export type AssignorName = 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky';

export interface RebalanceListener {
  /** Before they are handed out. */
  onAssigned?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /** Before they are given to others; offsets can still be committed. */
  onRevoked?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /** Others may have them already: nothing can be committed. */
  onLost?(partitions: readonly TopicPartition[]): void | Promise<void>;
}

export interface ConsumerOptions extends RebalanceListener {
  readonly group?: string;
  /** In the order in which this member wants them; cooperative ones cannot be mixed with others. */
  readonly assignors?: readonly (AssignorName | Assignor)[];
  /** Makes the member static: a short absence causes no rebalance (KIP-345). */
  readonly groupInstanceId?: string;
  /** Where to begin when the group has no offset, or one that is not in the log any more. */
  readonly from?: StartingAt | 'none';
  readonly isolation?: 'read_committed' | 'read_uncommitted';
  readonly sessionTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  /** How long a rebalance waits for records in work. */
  readonly rebalanceTimeoutMs?: number;
  readonly autoCommit?: boolean;
  readonly autoCommitIntervalMs?: number;
  /** Whether a missing topic may be created by asking for it. */
  readonly mayCreateTopics?: boolean;
  readonly minBytes?: number;
  readonly maxWaitMs?: number;
  readonly fetchMaxBytes?: number;
  readonly partitionMaxBytes?: number;
  readonly metadataMaxAgeMs?: number;
}

/** Kafka's defaults. */
const DEFAULTS = {
  from: 'latest' as StartingAt | 'none',
  isolation: 'read_committed' as 'read_committed' | 'read_uncommitted',
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 3000,
  rebalanceTimeoutMs: 300_000,
  autoCommit: true,
  autoCommitIntervalMs: 5000,
  mayCreateTopics: false,
  minBytes: 1,
  maxWaitMs: 500,
  fetchMaxBytes: 50 * 1024 * 1024,
  partitionMaxBytes: 1024 * 1024,
  metadataMaxAgeMs: 300_000,
};

const ASSIGNORS: Readonly<Record<AssignorName, Assignor>> = {
  range: rangeAssignor,
  roundrobin: roundRobinAssignor,
  sticky: stickyAssignor,
  'cooperative-sticky': cooperativeStickyAssignor,
};

/** Records of one partition, in order. */
export interface PolledBatch extends TopicPartition {
  readonly records: readonly ConsumerRecord[];
  readonly highWatermark: number;
}

/** Whoever leads now may answer otherwise. */
const STALE_LEADER: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.REPLICA_NOT_AVAILABLE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.OFFSET_NOT_AVAILABLE,
]);
const SESSION_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
]);

interface Broker {
  readonly session: FetchSession;
  isFetching: boolean;
  failures: number;
  notBeforeMs: number;
}

export class Consumer {
  readonly #cluster: Cluster;
  readonly #options: ConsumerOptions & typeof DEFAULTS;
  readonly #coordinator: GroupCoordinator | undefined;
  #membership: Membership | undefined;
  readonly #lane: string;
  #topics: readonly string[] = [];
  /** In the order in which they are served: who was served goes to the end. */
  #partitions = new Map<string, PartitionState>();
  readonly #brokers = new Map<number, Broker>();
  /** Whose batch is being handed out. */
  #current: PartitionState | undefined;
  #failure: Error | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;
  /** Those who wait for records. */
  #pollers = new Set<() => void>();
  /** Those who wait until nothing of theirs is in work. */
  #idleWaiters = new Set<() => void>();
  #isResolving = false;
  #isRefreshing = false;
  #counts = new Map<string, number>();
  readonly #timers = new Set<TimerHandle>();
  #committing: Promise<void> | undefined;

  constructor(cluster: Cluster, options: ConsumerOptions = {}) {
    this.#cluster = cluster;
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#options = { ...DEFAULTS, ...Object.fromEntries(given) };
    this.#lane = cluster.newLane('fetch');
    const { group } = options;
    if (group !== undefined) {
      if (group === '') throw new RangeError('a group needs a name');
      this.#coordinator = new GroupCoordinator(cluster, group);
    }
    const cooperative = new Set(this.#assignors().map(({ isCooperative }) => isCooperative));
    if (cooperative.size > 1)
      throw new RangeError('cooperative assignors cannot be mixed with eager ones');
  }

  /** Joins the group. Topics that do not exist are an error, unless they may be created. */
  async subscribe(topics: readonly string[]): Promise<void> {
    if (this.#coordinator === undefined)
      throw new RangeError('only a consumer with a group can subscribe; use assign');
    this.#topics = [...new Set(topics)];
    await this.#loadTopics(this.#topics);
    this.#throwIfOver();
    if (this.#membership !== undefined) {
      this.#membership.tell({ type: 'rejoin.requested', reason: 'the subscription has changed' });
      return;
    }
    this.#membership = this.#join(this.#coordinator);
    this.#membership.tell({ type: 'group.joined' });
    this.#every(this.#options.metadataMaxAgeMs, () => this.#watchTopics());
    if (this.#options.autoCommit)
      this.#every(this.#options.autoCommitIntervalMs, () => this.#autoCommit());
  }

  /** Reads these and no others, without any group's say. With a group, its committed offsets are where it begins, and it can commit. */
  async assign(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.#membership !== undefined)
      throw new RangeError('a consumer that has subscribed is given its partitions by the group');
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    await this.#loadTopics(topics);
    for (const { topic, partition } of partitions) {
      const count = this.#counts.get(topic) ?? 0;
      if (partition < 0 || partition >= count)
        throw new BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, {
          topic,
          partition,
          detail: `the topic has partitions 0 to ${count - 1}`,
          retriable: false,
        });
    }
    this.#throwIfOver();
    const isFirst = this.#topics.length === 0;
    this.#topics = topics;
    const before = this.#partitions;
    this.#partitions = new Map();
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition);
      this.#partitions.set(key, before.get(key) ?? new PartitionState(topic, partition));
    }
    if (isFirst && this.#coordinator !== undefined && this.#options.autoCommit)
      this.#every(this.#options.autoCommitIntervalMs, () => this.#autoCommit());
    this.#pump();
  }

  get assignment(): readonly TopicPartition[] {
    return [...this.#partitions.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  /** The membership's states; undefined without a group, or before it has subscribed. */
  get membership(): Membership['actor'] | undefined {
    return this.#membership?.actor;
  }

  get memberId(): string {
    return this.#membership?.identity.memberId ?? '';
  }

  /** The next records, of one partition; waits until there are some. `wait` ends what is awaited, with undefined. */
  async poll(
    signal?: AbortSignalLike,
    { maxRecords = Number.POSITIVE_INFINITY, waitMs = Number.POSITIVE_INFINITY } = {},
  ): Promise<PolledBatch | undefined> {
    const deadlineMs = this.#cluster.host.clock.monotonicMs() + waitMs;
    for (;;) {
      throwIfAborted(signal);
      this.#throwIfOver();
      const state = this.#serve();
      if (state !== undefined) {
        const { topic, partition, highWatermark } = state;
        return { topic, partition, highWatermark, records: this.#handOut(state, maxRecords) };
      }
      const leftMs = deadlineMs - this.#cluster.host.clock.monotonicMs();
      if (leftMs <= 0) return undefined;
      await this.#news(signal, leftMs);
    }
  }

  /** The next record, when one is there already: `poll`'s quick way, without a promise. */
  take(): ConsumerRecord | undefined {
    this.#throwIfOver();
    const state = this.#serve();
    if (state === undefined) return undefined;
    const record = state.records[state.recordsAt]!;
    state.prefix.started(record.offset);
    this.#passed(state, state.recordsAt + 1);
    return record;
  }

  /** Resolves when `take` may have something again, or at the signal. */
  async wait(signal?: AbortSignalLike): Promise<void> {
    await this.#news(signal, Number.POSITIVE_INFINITY);
  }

  /** A record is done with. Unless it belongs to a partition that is not ours any more. */
  finished({ topic, partition, offset }: TopicPartition & { readonly offset: number }): void {
    const state = this.#partitions.get(partitionKey(topic, partition));
    if (state === undefined) return;
    state.prefix.finished(offset);
    if (!state.prefix.hasWork) this.#tellIdle();
  }

  /** What was handed out and is not finished will not be: nobody waits for it, and it is not committed. */
  abandon(): void {
    for (const state of this.#partitions.values()) {
      const { committable } = state.prefix;
      if (!state.prefix.hasWork) continue;
      state.moveTo(committable);
    }
    this.#tellIdle();
  }

  position({ topic, partition }: TopicPartition): number | undefined {
    return this.#partitions.get(partitionKey(topic, partition))?.position;
  }

  /** Records between what was handed out and the high watermark; undefined before the first fetch. */
  lag({ topic, partition }: TopicPartition): number | undefined {
    const state = this.#partitions.get(partitionKey(topic, partition));
    if (state?.position === undefined || state.highWatermark < 0) return undefined;
    return Math.max(0, state.highWatermark - state.position);
  }

  /** Goes on elsewhere. What was handed out before and is not finished does not count any more. */
  seek(place: TopicPartition, to: number | StartingAt): void {
    const state = this.#owned(place);
    if (typeof to === 'number') state.moveTo(to);
    else state.forgetPosition(to);
    this.#pump();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#owned(each).isPaused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#owned(each).isPaused = false;
    this.#tellPollers();
    this.#pump();
  }

  get paused(): readonly TopicPartition[] {
    return this.assignment.filter((each) => this.#owned(each).isPaused);
  }

  /** The offsets given, or what is finished. */
  async commit(offsets: readonly OffsetToCommit[] = this.#finishedOffsets()): Promise<void> {
    if (this.#coordinator === undefined)
      throw new RangeError('only a consumer with a group can commit');
    const identity = this.#membership?.identity ?? NO_MEMBER;
    try {
      await this.#coordinator.commit(offsets, identity);
    } catch (error) {
      if (error instanceof CommitFailed) this.#membership?.tell({ type: 'generation.lost' });
      throw error;
    }
    for (const each of offsets) {
      const state = this.#partitions.get(keyOf(each));
      if (state !== undefined) state.committedOffset = each.offset;
    }
  }

  committed(
    partitions: readonly TopicPartition[] = this.assignment,
  ): Promise<ReadonlyMap<string, CommittedOffset>> {
    if (this.#coordinator === undefined)
      throw new RangeError('only a consumer with a group has committed offsets');
    return this.#coordinator.committed(partitions);
  }

  /** Waits for the records in work (unless they are abandoned), commits, and leaves the group. Calling it again gives the same promise. */
  close({ abandon = false } = {}): Promise<void> {
    for (const state of this.#partitions.values()) state.isRevoked = true;
    if (abandon) this.abandon();
    return (this.#closing ??= this.#close());
  }

  onClosed(listener: () => void): void {
    this.#onClosed = listener;
  }

  async #close(): Promise<void> {
    if (this.#membership !== undefined) await this.#membership.leave();
    else if (
      this.#coordinator !== undefined &&
      this.#options.autoCommit &&
      this.#failure === undefined
    )
      await this.#giveBack(this.assignment).catch(() => {});
    this.#isClosed = true;
    for (const timer of this.#timers) this.#cluster.host.clock.clearTimeout(timer);
    this.#timers.clear();
    this.#cluster.closeLane(this.#lane);
    this.#partitions.clear();
    this.#tellPollers();
    this.#onClosed?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- handing out ----

  /** The partition to serve now, its next records read; undefined when nothing is there. */
  #serve(): PartitionState | undefined {
    const current = this.#current;
    if (current?.hasRecords === true && this.#isServed(current)) return current;
    try {
      for (const [key, state] of this.#partitions) {
        if (!this.#isServed(state) || !(state.hasRecords || this.#read(state))) continue;
        this.#partitions.delete(key);
        this.#partitions.set(key, state);
        this.#current = state;
        return state;
      }
      return undefined;
    } catch (error) {
      // A damaged batch is not passed over: who polls again is told again.
      this.#fail(error);
      throw error;
    }
  }

  #isServed(state: PartitionState): boolean {
    return (
      !state.isPaused &&
      !state.isRevoked &&
      state.position !== undefined &&
      this.#partitions.get(keyOf(state)) === state
    );
  }

  #handOut(state: PartitionState, maxRecords: number): readonly ConsumerRecord[] {
    const from = state.recordsAt;
    const to = Math.min(state.records.length, from + maxRecords);
    for (let at = from; at < to; at += 1) state.prefix.started(state.records[at]!.offset);
    const taken =
      from === 0 && to === state.records.length ? state.records : state.records.slice(from, to);
    this.#passed(state, to);
    return taken;
  }

  /** How far the batch is handed out, and with it the position. */
  #passed(state: PartitionState, to: number): void {
    state.recordsAt = to;
    const next = state.records[to];
    if (next !== undefined) {
      state.position = next.offset;
      return;
    }
    state.position = state.readOffset;
    state.prefix.passed(state.readOffset);
    state.records = [];
    state.recordsAt = 0;
    if (state.bufferedBytes < this.#options.partitionMaxBytes) this.#pump();
  }

  /** Reads the next batch that has records; false when what was fetched is used up. */
  #read(state: PartitionState): boolean {
    for (let first = state.fetched[0]; first !== undefined; first = state.fetched[0]) {
      while (!first.isRead) {
        const { topic, partition } = state;
        const read = first.read(this.#cluster.host, topic, partition, state.position!);
        state.readOffset = read.nextOffset;
        state.positionEpoch = read.leaderEpoch;
        if (read.records.length > 0) {
          state.records = read.records;
          state.recordsAt = 0;
          if (first.isRead) this.#used(state, first);
          return true;
        }
        state.position = read.nextOffset;
        state.prefix.passed(read.nextOffset);
      }
      this.#used(state, first);
    }
    this.#pump();
    return false;
  }

  #used(state: PartitionState, first: Fetched): void {
    state.fetched.shift();
    state.bufferedBytes -= first.sizeBytes;
  }

  /** Resolves when there may be something to take, at the signal, or when the time is over. */
  #news(signal: AbortSignalLike | undefined, waitMs: number): Promise<void> {
    const { clock } = this.#cluster.host;
    return new Promise((resolve) => {
      let timer: TimerHandle | undefined;
      const done = (): void => {
        this.#pollers.delete(done);
        signal?.removeEventListener('abort', done);
        if (timer !== undefined) clock.clearTimeout(timer);
        resolve();
      };
      this.#pollers.add(done);
      signal?.addEventListener('abort', done);
      if (waitMs !== Number.POSITIVE_INFINITY) timer = clock.setTimeout(done, waitMs);
    });
  }

  #tellPollers(): void {
    for (const tell of [...this.#pollers]) tell();
  }

  #tellIdle(): void {
    for (const tell of [...this.#idleWaiters]) tell();
  }

  #owned({ topic, partition }: TopicPartition): PartitionState {
    const state = this.#partitions.get(partitionKey(topic, partition));
    if (state === undefined) throw new RangeError(`${topic}-${partition} is not assigned`);
    return state;
  }

  #throwIfOver(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosed || this.#cluster.isClosed) throw new ClientClosed('the consumer is closed');
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#tellPollers();
    this.#tellIdle();
  }

  // ---- fetching ----

  /** Starts whatever can be started: looking up positions, and one fetch a broker. */
  #pump(): void {
    if (this.#isClosed || this.#failure !== undefined) return;
    if (this.#cluster.isClosed) {
      this.#tellPollers();
      return;
    }
    const { partitionMaxBytes } = this.#options;
    const byLeader = new Map<number, PartitionState[]>();
    let needsLookUp = false;
    const homeless = new Set<string>();
    for (const state of this.#partitions.values()) {
      if (state.isPaused || state.isRevoked) continue;
      const leader = this.#cluster.leader(state.topic, state.partition);
      if (state.position === undefined || state.isDoubtful) needsLookUp = true;
      else if (leader === undefined) homeless.add(state.topic);
      else if (state.mustCheck(leader.epoch)) {
        state.isDoubtful = true;
        needsLookUp = true;
      } else if (state.bufferedBytes < partitionMaxBytes) {
        state.checkedEpoch = leader.epoch;
        const list = byLeader.get(leader.nodeId);
        if (list === undefined) byLeader.set(leader.nodeId, [state]);
        else list.push(state);
      }
    }
    if (needsLookUp && !this.#isResolving) void this.#resolvePositions();
    if (homeless.size > 0 && !this.#isRefreshing) void this.#refresh([...homeless]);
    for (const [nodeId, states] of byLeader) {
      let broker = this.#brokers.get(nodeId);
      if (broker === undefined) {
        broker = { session: new FetchSession(), isFetching: false, failures: 0, notBeforeMs: 0 };
        this.#brokers.set(nodeId, broker);
      }
      if (!broker.isFetching) void this.#fetch(nodeId, broker, states);
    }
  }

  async #fetch(nodeId: number, broker: Broker, states: readonly PartitionState[]): Promise<void> {
    const { host } = this.#cluster;
    const { maxWaitMs, minBytes, fetchMaxBytes, partitionMaxBytes, isolation } = this.#options;
    broker.isFetching = true;
    try {
      const waitMs = broker.notBeforeMs - host.clock.monotonicMs();
      if (waitMs > 0) {
        await pause(host, waitMs);
        states = states.filter((state) => this.#isFetchable(state, nodeId));
        if (states.length === 0) return;
      }
      const asked = new Map(
        states.map((state) => [keyOf(state), { state, version: state.version }]),
      );
      const request = broker.session.next(
        states.map(({ topic, partition, fetchOffset, checkedEpoch = -1 }) => ({
          topic,
          partition,
          offset: fetchOffset,
          leaderEpoch: checkedEpoch,
        })),
      );
      const byTopic = groupByTopic(request.changed);
      const changed = new Map(request.changed.map((each) => [keyOf(each), each]));
      const response = await this.#cluster.ask(
        nodeId,
        fetchApi,
        {
          maxWaitMs,
          minBytes,
          maxBytes: fetchMaxBytes,
          isolationLevel: isolation === 'read_committed' ? 1 : 0,
          sessionId: request.sessionId,
          sessionEpoch: request.sessionEpoch,
          topics: [...byTopic].map(([topic, partitions]) => ({
            topic,
            partitions: partitions.map((partition) => {
              const { offset, leaderEpoch } = changed.get(partitionKey(topic, partition))!;
              return {
                partition,
                fetchOffset: offset,
                currentLeaderEpoch: leaderEpoch,
                partitionMaxBytes,
              };
            }),
          })),
          forgottenTopicsData: [...groupByTopic(request.forgotten)].map(([topic, partitions]) => ({
            topic,
            partitions,
          })),
        },
        { extraMs: maxWaitMs, lane: this.#lane },
      );
      if (SESSION_ERRORS.has(response.errorCode)) {
        broker.session.reset();
        return;
      }
      check(response.errorCode, { api: 'Fetch', broker: this.#cluster.addressOf(nodeId) });
      broker.session.answered(response.sessionId);
      broker.failures = 0;
      this.#received(response, asked, nodeId);
    } catch (error) {
      if (this.#isClosed) return;
      broker.session.reset();
      broker.failures += 1;
      broker.notBeforeMs =
        host.clock.monotonicMs() + backoffMs(host, this.#cluster.retry, broker.failures - 1);
      for (const { topic } of states) this.#cluster.forgetLeaders(topic);
      if (!isRetriable(error) && !this.#cluster.isClosed) this.#fail(error);
    } finally {
      broker.isFetching = false;
      this.#pump();
      this.#tellPollers();
    }
  }

  #isFetchable(state: PartitionState, nodeId: number): boolean {
    return (
      this.#partitions.get(keyOf(state)) === state &&
      !state.isRevoked &&
      !state.isPaused &&
      !state.isDoubtful &&
      state.position !== undefined &&
      this.#cluster.leaderOf(state.topic, state.partition) === nodeId
    );
  }

  #received(
    { responses }: FetchResponse,
    asked: ReadonlyMap<string, { readonly state: PartitionState; readonly version: number }>,
    nodeId: number,
  ): void {
    for (const { topic, partitions } of responses) {
      for (const answer of partitions) {
        const entry = asked.get(partitionKey(topic, answer.partitionIndex));
        // Not ours any more, or it has moved since.
        if (entry === undefined || entry.state.version !== entry.version) continue;
        const { state } = entry;
        if (this.#partitions.get(keyOf(state)) !== state) continue;
        if (answer.errorCode !== ErrorCode.NONE) {
          this.#troubled(state, answer.errorCode, nodeId);
          continue;
        }
        state.troubledSinceMs = undefined;
        state.highWatermark = answer.highWatermark;
        state.logStartOffset = answer.logStartOffset;
        if (answer.records === null || answer.records.length === 0) continue;
        const fetched = new Fetched(answer.records, answer.abortedTransactions);
        const { nextOffset } = fetched;
        if (nextOffset === undefined)
          this.#fail(
            new ProtocolViolation(
              `${topic}-${state.partition}: the answer at offset ${state.fetchOffset} holds no whole batch`,
            ),
          );
        else {
          state.fetched.push(fetched);
          state.bufferedBytes += fetched.sizeBytes;
          state.fetchOffset = Math.max(state.fetchOffset, nextOffset);
        }
      }
    }
  }

  #troubled(state: PartitionState, code: number, nodeId: number): void {
    const { topic, partition } = state;
    const { clock } = this.#cluster.host;
    const broker = this.#cluster.addressOf(nodeId);
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE) {
      // What was fetched before is still good; the place behind it is not.
      if (state.fetched.length > 0 || state.hasRecords) return;
      this.#reset(state, `offset ${state.fetchOffset} is not in the log`);
      return;
    }
    const error = new BrokerError(code, { topic, partition, broker });
    if (!STALE_LEADER.has(code) && !error.retriable) {
      this.#fail(error);
      return;
    }
    this.#cluster.forgetLeaders(topic);
    if (code === ErrorCode.FENCED_LEADER_EPOCH || code === ErrorCode.UNKNOWN_LEADER_EPOCH)
      state.isDoubtful = state.positionEpoch >= 0;
    state.troubledSinceMs ??= clock.monotonicMs();
    // Elections end; a topic that is gone does not come back.
    if (clock.monotonicMs() - state.troubledSinceMs > this.#cluster.retry.timeoutMs)
      this.#fail(error);
    const entry = this.#brokers.get(nodeId);
    if (entry !== undefined)
      entry.notBeforeMs = clock.monotonicMs() + this.#cluster.retry.backoffMs;
  }

  #reset(state: PartitionState, why: string, cause?: Error): void {
    const { topic, partition } = state;
    const { from } = this.#options;
    if (from !== 'none') {
      state.forgetPosition(from);
      return;
    }
    this.#fail(
      new NoOffset(
        `${topic}-${partition}: ${why}, and \`from\` says none: seek, or choose where to begin`,
        {
          cause: cause ?? new BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE, { topic, partition }),
        },
      ),
    );
  }

  /** Asks who leads, and again after a pause while somebody is missing. */
  async #refresh(topics: readonly string[]): Promise<void> {
    this.#isRefreshing = true;
    const { host, retry } = this.#cluster;
    try {
      for (let failures = 0; !this.#isClosed && !this.#cluster.isClosed; failures += 1) {
        try {
          const { topics: found } = await this.#cluster.metadata({ topics });
          if (found.every(({ partitions }) => partitions.some(({ leaderId }) => leaderId >= 0)))
            break;
          const since = [...this.#partitions.values()].filter(({ topic }) =>
            topics.includes(topic),
          );
          const bad = found.find(({ errorCode }) => errorCode !== 0);
          for (const state of since) {
            state.troubledSinceMs ??= host.clock.monotonicMs();
            if (host.clock.monotonicMs() - state.troubledSinceMs > retry.timeoutMs)
              this.#fail(
                new BrokerError(bad?.errorCode ?? ErrorCode.LEADER_NOT_AVAILABLE, {
                  topic: state.topic,
                }),
              );
          }
          if (this.#failure !== undefined) break;
        } catch (error) {
          if (!isRetriable(error)) {
            this.#fail(error);
            break;
          }
        }
        await pause(host, backoffMs(host, retry, failures));
      }
    } finally {
      this.#isRefreshing = false;
      this.#pump();
    }
  }

  // ---- positions ----

  /** One at a time: whoever needs one later is looked at in the next round. */
  async #resolvePositions(): Promise<void> {
    this.#isResolving = true;
    const { host, retry } = this.#cluster;
    try {
      for (let failures = 0; !this.#isClosed && this.#failure === undefined;) {
        const states = [...this.#partitions.values()].filter((state) => !state.isRevoked);
        const lost = states.filter(({ position }) => position === undefined);
        const doubtful = states.filter((state) => state.isDoubtful && state.position !== undefined);
        if (lost.length === 0 && doubtful.length === 0) return;
        try {
          if (lost.length > 0) await this.#findPositions(lost);
          if (doubtful.length > 0) await this.#checkPositions(doubtful);
          failures = 0;
        } catch (error) {
          if (!isRetriable(error)) {
            this.#fail(error);
            return;
          }
          await pause(host, backoffMs(host, retry, failures));
          failures += 1;
        }
      }
    } finally {
      this.#isResolving = false;
      this.#pump();
    }
  }

  async #findPositions(states: readonly PartitionState[]): Promise<void> {
    const versions = new Map(states.map((state) => [state, state.version]));
    const isCurrent = (state: PartitionState): boolean =>
      state.version === versions.get(state) && state.position === undefined;
    const fresh = states.filter(({ resetTo }) => resetTo === undefined);
    if (fresh.length > 0) {
      const committed =
        this.#coordinator === undefined
          ? new Map<string, CommittedOffset>()
          : await this.#coordinator.committed(fresh);
      for (const state of fresh) {
        const found = committed.get(keyOf(state));
        if (!isCurrent(state)) continue;
        if (found === undefined) this.#reset(state, 'the group has no committed offset', undefined);
        else {
          state.moveTo(found.offset, found.leaderEpoch);
          state.committedOffset = found.offset;
        }
        versions.set(state, state.version);
      }
    }
    const wanted = states.flatMap((state) =>
      state.resetTo === undefined || !isCurrent(state)
        ? []
        : [{ ...placeOf(state), state, timestamp: timestampOf(state.resetTo) }],
    );
    if (wanted.length === 0 || this.#failure !== undefined) return;
    const isReadCommitted = this.#options.isolation === 'read_committed';
    const found = await lookUpOffsets(this.#cluster, wanted, isReadCommitted);
    const late = wanted.filter((each) => (found.get(keyOf(each))?.offset ?? -1) < 0);
    // Nothing is that young: it begins with what comes next.
    const ends =
      late.length === 0
        ? found
        : await lookUpOffsets(
            this.#cluster,
            late.map((each) => ({ ...each, timestamp: timestampOf('latest') })),
            isReadCommitted,
          );
    for (const { state } of wanted) {
      const key = keyOf(state);
      const place = late.some((each) => each.state === state) ? ends.get(key) : found.get(key);
      if (place !== undefined && isCurrent(state)) state.moveTo(place.offset, place.leaderEpoch);
    }
  }

  /** KIP-320: whether what was read is still in the log of who leads now. */
  async #checkPositions(states: readonly PartitionState[]): Promise<void> {
    const versions = new Map(states.map((state) => [state, state.version]));
    const wanted = states.filter(({ positionEpoch }) => positionEpoch >= 0);
    const trust = (state: PartitionState): void => {
      state.isDoubtful = false;
      state.checkedEpoch = this.#cluster.leader(state.topic, state.partition)?.epoch;
    };
    for (const state of states) if (state.positionEpoch < 0) trust(state);
    if (wanted.length === 0) return;
    let ends: Awaited<ReturnType<typeof endsOfEpochs>>;
    try {
      ends = await endsOfEpochs(
        this.#cluster,
        wanted.map((state) => ({ ...placeOf(state), leaderEpoch: state.positionEpoch })),
      );
    } catch (error) {
      // An old broker cannot be asked: it is trusted, as before KIP-320.
      if (!(error instanceof UnsupportedApi)) throw error;
      for (const state of wanted) trust(state);
      return;
    }
    for (const state of wanted) {
      const end = ends.get(keyOf(state));
      if (end === undefined || state.version !== versions.get(state)) continue;
      const { position = 0, topic, partition } = state;
      trust(state);
      if (end.endOffset < 0 || end.leaderEpoch < 0) {
        this.#reset(state, `the leader does not know epoch ${state.positionEpoch}`);
      } else if (end.endOffset < position) {
        const error = new LogTruncated(
          `${topic}-${partition}: the log was cut at offset ${end.endOffset}, below what was read (${position})`,
        );
        if (this.#options.from === 'none') this.#fail(error);
        else state.moveTo(end.endOffset, end.leaderEpoch);
      }
    }
  }

  // ---- the group ----

  #join(coordinator: GroupCoordinator): Membership {
    const { groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, heartbeatIntervalMs } =
      this.#options;
    const membership = new Membership(
      this.#cluster,
      coordinator,
      {
        subscription: () => this.#topics,
        owned: () => this.assignment,
        giveBack: (partitions) => this.#giveBack(partitions),
        take: (partitions) => this.#takeOver(partitions),
        lose: (partitions) => this.#lose(partitions),
        partitionCounts: async (topics) => {
          await this.#loadTopics(topics.filter((topic) => !this.#counts.has(topic)));
          return new Map(topics.map((topic) => [topic, this.#counts.get(topic) ?? 0]));
        },
      },
      {
        assignors: this.#assignors(),
        instanceId: groupInstanceId ?? null,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        heartbeatIntervalMs: Math.min(heartbeatIntervalMs, Math.floor(sessionTimeoutMs / 3)),
      },
    );
    membership.actor.subscribe((snapshot) => {
      if (snapshot.hasTag('failed')) this.#fail(snapshot.context.error);
    });
    return membership;
  }

  async #giveBack(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    const states = partitions.flatMap((each) => this.#partitions.get(keyOf(each)) ?? []);
    for (const state of states) state.isRevoked = true;
    await this.#settled(states);
    const stillOurs = states.filter((state) => this.#partitions.get(keyOf(state)) === state);
    if (stillOurs.length === 0) return;
    await this.#options.onRevoked?.(stillOurs.map(placeOf));
    if (this.#options.autoCommit && this.#failure === undefined) {
      await this.#committing;
      await this.commit(this.#finishedOffsets(stillOurs)).catch((error: unknown) => {
        // Others have them: what was not committed is theirs to repeat.
        if (!(error instanceof CommitFailed || isRetriable(error))) throw error;
      });
    }
    for (const state of stillOurs) {
      state.dropFetched();
      if (this.#partitions.get(keyOf(state)) === state) this.#partitions.delete(keyOf(state));
    }
  }

  /** Until none of the records in work is theirs, or the rebalance is over without us. */
  #settled(states: readonly PartitionState[]): Promise<void> {
    const { clock } = this.#cluster.host;
    const isIdle = (): boolean =>
      this.#failure !== undefined ||
      states.every(
        (state) => !state.prefix.hasWork || this.#partitions.get(keyOf(state)) !== state,
      );
    if (isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#idleWaiters.delete(look);
        clock.clearTimeout(timer);
        this.#timers.delete(timer);
        resolve();
      };
      const look = (): void => {
        if (isIdle()) done();
      };
      const timer = clock.setTimeout(done, this.#options.rebalanceTimeoutMs);
      this.#timers.add(timer);
      this.#idleWaiters.add(look);
    });
  }

  async #takeOver(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length > 0) await this.#options.onAssigned?.(partitions);
    for (const { topic, partition } of partitions)
      this.#partitions.set(partitionKey(topic, partition), new PartitionState(topic, partition));
    this.#pump();
  }

  #lose(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return;
    for (const each of partitions) {
      this.#partitions.get(keyOf(each))?.dropFetched();
      this.#partitions.delete(keyOf(each));
    }
    this.#tellIdle();
    const told = this.#options.onLost?.(partitions);
    if (told instanceof Promise) told.catch((error: unknown) => this.#fail(error));
  }

  #assignors(): readonly Assignor[] {
    const { assignors = ['cooperative-sticky'] } = this.#options;
    return assignors.map((each) => (typeof each === 'string' ? ASSIGNORS[each] : each));
  }

  #finishedOffsets(
    states: Iterable<PartitionState> = this.#partitions.values(),
  ): readonly OffsetToCommit[] {
    const offsets: OffsetToCommit[] = [];
    for (const { topic, partition, prefix, position, positionEpoch, committedOffset } of states) {
      const offset = prefix.committable;
      if (position === undefined || offset === committedOffset) continue;
      offsets.push({ topic, partition, offset, leaderEpoch: positionEpoch });
    }
    return offsets;
  }

  async #autoCommit(): Promise<void> {
    if (this.#committing !== undefined) return;
    const offsets = this.#finishedOffsets(
      [...this.#partitions.values()].filter(({ isRevoked }) => !isRevoked),
    );
    if (offsets.length === 0) return;
    // What fails now is tried again with the next one, or told when partitions are given back.
    this.#committing = this.commit(offsets).catch((error: unknown) => {
      if (!(error instanceof ClientError)) this.#fail(error);
    });
    await this.#committing;
    this.#committing = undefined;
  }

  // ---- topics ----

  async #loadTopics(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      const { partitions } = await this.#cluster.topic(topic, {
        mayCreate: this.#options.mayCreateTopics,
      });
      this.#counts.set(topic, partitions.length);
    }
  }

  /** New partitions are shared out in a rebalance. */
  async #watchTopics(): Promise<void> {
    const before = new Map(this.#counts);
    const { host, retry } = this.#cluster;
    try {
      await withRetries(host, retry, async () => {
        const { topics } = await this.#cluster.metadata({ topics: [...this.#counts.keys()] });
        for (const { name, partitions } of topics)
          if (name !== null && partitions.length > 0) this.#counts.set(name, partitions.length);
      });
    } catch {
      // It is looked at again after the same time; what does not work meanwhile is told where it fails.
      return;
    }
    const grown = this.#topics.find((topic) => before.get(topic) !== this.#counts.get(topic));
    if (grown !== undefined)
      this.#membership?.tell({
        type: 'rejoin.requested',
        reason: `${grown} has ${this.#counts.get(grown)} partitions now`,
      });
  }

  /** Until it is closed. */
  #every(intervalMs: number, work: () => Promise<void>): void {
    const { clock } = this.#cluster.host;
    const timer = clock.setTimeout(() => {
      this.#timers.delete(timer);
      void work().then(() => {
        if (!this.#isClosed && !this.#cluster.isClosed && this.#failure === undefined)
          this.#every(intervalMs, work);
      });
    }, intervalMs);
    this.#timers.add(timer);
  }
}

const placeOf = ({ topic, partition }: TopicPartition): TopicPartition => ({ topic, partition });
