/**
 * Reads partitions: its share of a group's, or those that it is told. It fetches ahead of who works on the records, up to a limit; hands out
 * batch after batch of records with `poll`; keeps account of what is finished; and commits the finished prefix.
 *
 * It goes on by itself over lost connections, moved leaders and rebalances. What cannot be helped by waiting ends it: `poll` then rejects
 * with the reason, again and again; a codec that cannot be loaded is told once and waited for on. Here is its face; what it does is in fetcher.ts, positions.ts, hand-out.ts and group-share.ts.
 */
import { loadGroupShare } from '#group-share';
import type { AbortSignalLike, TimerHandle } from '@odradek/ports';
import { ErrorCode } from '@odradek/protocol';
import type { Cluster } from '../cluster.ts';
import { BrokerError } from '../errors.ts';
import { abortable, throwIfAborted, withRetries } from '../retry.ts';
import type { WaitOptions } from '../retry.ts';
import { settingsOf } from './consumer-options.ts';
import type { ConsumerOptions } from './consumer-options.ts';
import type { ConsumerRecord } from './fetched.ts';
import { Fetcher } from './fetcher.ts';
import type { CommittedOffset, OffsetToCommit } from './group-coordinator.ts';
import type { GroupShare } from './group-share.ts';
import { HandOut } from './hand-out.ts';
import { Holdings, placeOf } from './holdings.ts';
import type { GroupJoined, Membership } from './membership.ts';
import type { StartingAt } from './partition-state.ts';
import { Positions } from './positions.ts';
import { keyOf } from './topic-partition.ts';
import type { TopicPartition } from './topic-partition.ts';
import { TopicWatch } from './topic-watch.ts';

/** Records of one partition, in order. */
export interface PolledBatch extends TopicPartition {
  readonly records: readonly ConsumerRecord[];
  readonly highWatermark: number;
}

export class Consumer {
  readonly #holdings: Holdings;
  readonly #topics: TopicWatch;
  readonly #fetcher: Fetcher;
  readonly #handOut: HandOut;
  readonly #groupId: string | undefined;
  /** Once it is loaded: before the group is asked for anything. */
  #group: GroupShare | undefined;
  #groupLoading: Promise<GroupShare> | undefined;
  #isAssigned = false;
  #closing: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;

  constructor(cluster: Cluster, options: ConsumerOptions = {}) {
    const { group } = options;
    if (group === '') throw new RangeError('a group needs a name');
    const holdings = new Holdings(cluster, settingsOf(options));
    this.#holdings = holdings;
    this.#topics = new TopicWatch(holdings);
    const loadGroup = group === undefined ? undefined : () => this.#loadGroup(group);
    this.#fetcher = new Fetcher(holdings, new Positions(holdings, loadGroup), this.#topics);
    this.#handOut = new HandOut(holdings);
    this.#groupId = group;
    holdings.pump = () => this.#fetcher.pump();
    // Whoever needs it tries again, and is told.
    loadGroup?.().catch(() => {});
  }

  /** Joins the group. Topics that do not exist are an error, unless they may be created. */
  async subscribe(topics: readonly string[], { signal }: WaitOptions = {}): Promise<void> {
    if (this.#groupId === undefined)
      throw new RangeError('only a consumer with a group can subscribe; use assign');
    const unique = [...new Set(topics)];
    await this.#load(unique, signal);
    const group = await abortable(this.#loadGroup(this.#groupId), signal);
    this.#holdings.throwIfOver();
    group.subscribe(unique);
  }

  /** Reads these and no others, without any group's say. With a group, its committed offsets are where it begins, and it can commit. */
  async assign(partitions: readonly TopicPartition[], { signal }: WaitOptions = {}): Promise<void> {
    if (this.#group?.membership !== undefined)
      throw new RangeError('a consumer that has subscribed is given its partitions by the group');
    await this.#load([...new Set(partitions.map(({ topic }) => topic))], signal);
    for (const { topic, partition } of partitions) {
      const count = this.#topics.countOf(topic);
      if (partition < 0 || partition >= count)
        throw new BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, {
          topic,
          partition,
          detail: `the topic has partitions 0 to ${count - 1}`,
          retriable: false,
        });
    }
    if (this.#groupId !== undefined) await abortable(this.#loadGroup(this.#groupId), signal);
    this.#holdings.throwIfOver();
    const wanted = new Set(partitions.map(keyOf));
    for (const state of this.#holdings.states)
      if (!wanted.has(keyOf(state))) this.#holdings.drop(state);
    for (const each of partitions)
      if (this.#holdings.find(each) === undefined) this.#holdings.add(each);
    if (!this.#isAssigned) this.#group?.commitFromTimeToTime();
    this.#isAssigned = true;
    this.#holdings.pump();
  }

  get assignment(): readonly TopicPartition[] {
    return this.#holdings.places;
  }

  isAssigned(place: TopicPartition): boolean {
    return this.#holdings.find(place) !== undefined;
  }

  /** The membership's states; undefined without a group, or before it has subscribed. */
  get membership(): Membership['actor'] | undefined {
    return this.#group?.membership?.actor;
  }

  get memberId(): string {
    return this.#group?.membership?.identity.memberId ?? '';
  }

  /** What the group said when it was joined last; undefined before. */
  get joined(): GroupJoined | undefined {
    return this.#group?.membership?.joined;
  }

  /** The next records, of one partition; waits until there are some. `waitMs` ends what is awaited, with undefined. */
  async poll(
    signal?: AbortSignalLike,
    { maxRecords = Number.POSITIVE_INFINITY, waitMs = Number.POSITIVE_INFINITY } = {},
  ): Promise<PolledBatch | undefined> {
    const { clock } = this.#holdings.cluster.host;
    const deadlineMs = clock.monotonicMs() + waitMs;
    for (;;) {
      throwIfAborted(signal);
      this.#holdings.throwIfOver();
      this.#holdings.throwComplaint();
      const state = this.#handOut.serve();
      if (state !== undefined) {
        const { highWatermark } = state;
        return {
          ...placeOf(state),
          highWatermark,
          records: this.#handOut.many(state, maxRecords),
        };
      }
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) return undefined;
      await this.#news(signal, leftMs);
    }
  }

  /** What is there already behind a partition's last batch, for those who want larger ones. */
  more(place: TopicPartition): PolledBatch | undefined {
    this.#holdings.throwIfOver();
    const state = this.#holdings.find(place);
    if (state === undefined || !this.#handOut.canServe(state)) return undefined;
    const { highWatermark } = state;
    return { ...placeOf(state), highWatermark, records: this.#handOut.many(state, Infinity) };
  }

  /** The next record, when one is there already: `poll`'s quick way, without a promise. */
  take(): ConsumerRecord | undefined {
    this.#holdings.throwIfOver();
    this.#holdings.throwComplaint();
    const state = this.#handOut.serve();
    return state && this.#handOut.one(state);
  }

  /** Resolves when `take` may have something again, or at the signal. */
  async wait(signal?: AbortSignalLike): Promise<void> {
    await this.#news(signal, Number.POSITIVE_INFINITY);
  }

  /** A record is done with. Unless it belongs to a partition that is not ours any more. */
  finished(record: TopicPartition & { readonly offset: number }): void {
    const state = this.#holdings.find(record);
    if (state === undefined) return;
    state.prefix.finished(record.offset);
    if (!state.prefix.hasWork) this.#holdings.tellIdle();
  }

  /** What was handed out and is not finished will not be: nobody waits for it, and it is not committed. */
  abandon(): void {
    for (const state of this.#holdings.states)
      if (state.prefix.hasWork) state.moveTo(state.prefix.committable);
    this.#holdings.tellIdle();
  }

  position(place: TopicPartition): number | undefined {
    return this.#holdings.find(place)?.position;
  }

  /** Records between what was handed out and the high watermark; undefined before the first fetch. */
  lag(place: TopicPartition): number | undefined {
    const state = this.#holdings.find(place);
    if (state?.position === undefined || state.highWatermark < 0) return undefined;
    return Math.max(0, state.highWatermark - state.position);
  }

  /** Goes on elsewhere. What was handed out before and is not finished does not count any more. */
  seek(place: TopicPartition, to: number | StartingAt): void {
    const state = this.#holdings.owned(place);
    if (typeof to === 'number') state.moveTo(to);
    else state.forgetPosition(to);
    this.#holdings.tellIdle();
    this.#holdings.pump();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#holdings.owned(each).isPaused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) {
      const state = this.#holdings.owned(each);
      state.mayHaveMore ||= state.isPaused;
      state.isPaused = false;
    }
    this.#holdings.tellPollers();
    this.#holdings.pump();
  }

  get paused(): readonly TopicPartition[] {
    return this.#holdings.states.filter(({ isPaused }) => isPaused).map(placeOf);
  }

  /** The offsets given, or what is finished. */
  async commit(offsets?: readonly OffsetToCommit[], { signal }: WaitOptions = {}): Promise<void> {
    const groupId = this.#grouped('can commit');
    throwIfAborted(signal);
    const group = this.#group ?? (await abortable(this.#loadGroup(groupId), signal));
    await abortable(group.commit(offsets ?? group.finishedOffsets()), signal);
  }

  async committed(
    partitions: readonly TopicPartition[] = this.assignment,
    { signal }: WaitOptions = {},
  ): Promise<ReadonlyMap<string, CommittedOffset>> {
    const groupId = this.#grouped('has committed offsets');
    throwIfAborted(signal);
    const { coordinator } = await abortable(this.#loadGroup(groupId), signal);
    return abortable(coordinator.committed(partitions), signal);
  }

  /** Waits for the records in work (unless they are abandoned), commits, and leaves the group. Calling it again gives the same promise. */
  close({ abandon = false } = {}): Promise<void> {
    for (const state of this.#holdings.states) state.isRevoked = true;
    if (abandon) this.abandon();
    return (this.#closing ??= this.#close());
  }

  onClosed(listener: () => void): void {
    this.#onClosed = listener;
  }

  async #close(): Promise<void> {
    await this.#group?.leave();
    this.#holdings.close();
    this.#fetcher.close();
    this.#onClosed?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #load(topics: readonly string[], signal: AbortSignalLike | undefined): Promise<void> {
    throwIfAborted(signal);
    return abortable(this.#topics.load(topics), signal);
  }

  #grouped(what: string): string {
    if (this.#groupId === undefined) throw new RangeError(`only a consumer with a group ${what}`);
    return this.#groupId;
  }

  #loadGroup(groupId: string): Promise<GroupShare> {
    const { host, retry } = this.#holdings.cluster;
    return (this.#groupLoading ??= withRetries(host, retry, loadGroupShare).then(
      (Share) => (this.#group ??= new Share(this.#holdings, this.#topics, groupId)),
      (error: unknown) => {
        this.#groupLoading = undefined;
        throw error;
      },
    ));
  }

  /** Resolves when there may be something to take, at the signal, or when the time is over. */
  #news(signal: AbortSignalLike | undefined, waitMs: number): Promise<void> {
    const { clock } = this.#holdings.cluster.host;
    return new Promise((resolve) => {
      let timer: TimerHandle | undefined;
      const done = (): void => {
        forget();
        signal?.removeEventListener('abort', done);
        if (timer !== undefined) clock.clearTimeout(timer);
        resolve();
      };
      const forget = this.#holdings.onNews(done);
      signal?.addEventListener('abort', done);
      if (waitMs !== Number.POSITIVE_INFINITY) timer = clock.setTimeout(done, waitMs);
    });
  }
}
