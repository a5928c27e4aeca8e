/**
 * Where partitions are read from: the group's committed offset, what a seek or the reset policy says, and, after a change of leaders, whether what
 * was read is still in the new one's log (KIP-320).
 */
import { ErrorCode } from '@odradek/protocol';
import { BrokerError, LogTruncated, NoOffset, UnsupportedApi, isRetriable } from '../errors.ts';
import { backoffMs, pause } from '../retry.ts';
import type { ResetPolicy } from './consumer-options.ts';
import type { CommittedOffset } from './group-coordinator.ts';
import type { GroupShare } from './group-share.ts';
import type { Holdings } from './holdings.ts';
import { placeOf } from './holdings.ts';
import { endsOfEpochs, lookUpOffsets, timestampOf } from './offset-lookup.ts';
import type { EndOfEpoch } from './offset-lookup.ts';
import type { PartitionState } from './partition-state.ts';
import { keyOf } from './topic-partition.ts';

export class Positions {
  readonly #holdings: Holdings;
  readonly #group: (() => Promise<GroupShare>) | undefined;
  #isResolving = false;

  /** Without a group nothing is committed. */
  constructor(holdings: Holdings, group: (() => Promise<GroupShare>) | undefined) {
    this.#holdings = holdings;
    this.#group = group;
  }

  /** Looks up what is missing and checks what is doubtful, in the background. */
  resolve(): void {
    // One at a time: whoever needs one later is looked at in the next round.
    if (!this.#isResolving) void this.#resolve();
  }

  /** The position is of no use: the policy says where to go on, or that it is over. */
  reset(state: PartitionState, why: string): void {
    const { topic, partition } = state;
    const from = this.#policy(topic);
    if (from !== 'none') {
      state.forgetPosition(from);
      return;
    }
    this.#holdings.fail(
      new NoOffset(
        `${topic}-${partition}: ${why}, and \`from\` says none: seek, or choose where to begin`,
        { cause: new BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE, { topic, partition }) },
      ),
    );
  }

  #policy(topic: string): ResetPolicy {
    const { from } = this.#holdings.settings;
    return typeof from === 'function' ? from(topic) : from;
  }

  async #resolve(): Promise<void> {
    this.#isResolving = true;
    const { host, retry } = this.#holdings.cluster;
    try {
      for (let failures = 0; !this.#holdings.isOver;) {
        const states = this.#holdings.states.filter((state) => !state.isRevoked);
        const lost = states.filter(({ position }) => position === undefined);
        const doubtful = states.filter((state) => state.isDoubtful && state.position !== undefined);
        if (lost.length === 0 && doubtful.length === 0) return;
        try {
          if (lost.length > 0) await this.#find(lost);
          if (doubtful.length > 0) await this.#check(doubtful);
          failures = 0;
        } catch (error) {
          if (!isRetriable(error)) {
            this.#holdings.fail(error);
            return;
          }
          await pause(host, backoffMs(host, retry, failures));
          failures += 1;
        }
      }
    } finally {
      this.#isResolving = false;
      this.#holdings.pump();
    }
  }

  /** Whether the leader that is known is one of before the position's own epoch (KIP-320). */
  isLeaderBehind({ topic, partition, positionEpoch }: PartitionState): boolean {
    const leader = this.#holdings.cluster.leader(topic, partition);
    return leader !== undefined && leader.epoch >= 0 && leader.epoch < positionEpoch;
  }

  async #find(states: readonly PartitionState[]): Promise<void> {
    const versions = new Map(states.map((state) => [state, state.version]));
    const isCurrent = (state: PartitionState): boolean =>
      state.version === versions.get(state) && state.position === undefined;
    const fresh = states.filter(({ resetTo }) => resetTo === undefined);
    if (fresh.length > 0) {
      const group = await this.#group?.();
      const committed =
        (await group?.coordinator.committed(fresh)) ?? new Map<string, CommittedOffset>();
      for (const state of fresh) {
        const found = committed.get(keyOf(state));
        if (!isCurrent(state)) continue;
        if (found === undefined) this.reset(state, 'the group has no committed offset');
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
    if (wanted.length === 0 || this.#holdings.failure !== undefined) return;
    const { cluster, settings } = this.#holdings;
    const isReadCommitted = settings.isolation === 'read_committed';
    const found = await lookUpOffsets(cluster, wanted, isReadCommitted);
    const late = wanted.filter((each) => (found.get(keyOf(each))?.offset ?? -1) < 0);
    // Nothing is that young: it begins with what comes next.
    const ends =
      late.length === 0
        ? found
        : await lookUpOffsets(
            cluster,
            late.map((each) => ({ ...each, timestamp: timestampOf('latest') })),
            isReadCommitted,
          );
    for (const each of wanted) {
      const place = (late.includes(each) ? ends : found).get(keyOf(each));
      if (place !== undefined && isCurrent(each.state))
        each.state.moveTo(place.offset, place.leaderEpoch);
    }
  }

  /** KIP-320: whether what was read is still in the log of who leads now. */
  async #check(states: readonly PartitionState[]): Promise<void> {
    const { cluster } = this.#holdings;
    const versions = new Map(states.map((state) => [state, state.version]));
    const wanted = states.filter(({ positionEpoch }) => positionEpoch >= 0);
    const trust = (state: PartitionState): void => {
      state.isDoubtful = false;
      state.checkedEpoch = cluster.leader(state.topic, state.partition)?.epoch;
    };
    for (const state of states) if (state.positionEpoch < 0) trust(state);
    if (wanted.length === 0) return;
    let ends: ReadonlyMap<string, EndOfEpoch>;
    try {
      ends = await endsOfEpochs(
        cluster,
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
      if (this.isLeaderBehind(state)) {
        cluster.forgetLeaders(topic);
        throw new BrokerError(ErrorCode.FENCED_LEADER_EPOCH, { topic, partition, retriable: true });
      }
      trust(state);
      if (end.endOffset < 0 || end.leaderEpoch < 0) {
        this.reset(state, `the leader does not know epoch ${state.positionEpoch}`);
      } else if (end.endOffset < position) {
        const error = new LogTruncated(
          `${topic}-${partition}: the log was cut at offset ${end.endOffset}, below what was read (${position})`,
        );
        if (this.#policy(topic) === 'none') this.#holdings.fail(error);
        else state.moveTo(end.endOffset, end.leaderEpoch);
      }
    }
  }
}
