/**
 * A consumer's share of its group's work: what happens to partitions when they are given and taken, and the offsets that are committed for them.
 * The membership itself is decided in membership.machine.ts.
 *
 * Invariant: a partition that goes to another member is handed out no more, its records in work are finished or given up, and what is finished is
 * committed, before the member joins again. One that was lost is not committed at all.
 */
import { ClientError, CommitFailed, isRetriable } from '../errors.ts';
import { assignorOf } from './assignors/by-name.ts';
import { GroupCoordinator, NO_MEMBER } from './group-coordinator.ts';
import type { OffsetToCommit } from './group-coordinator.ts';
import { placeOf } from './holdings.ts';
import type { Holdings } from './holdings.ts';
import { Membership } from './membership.ts';
import type { PartitionState } from './partition-state.ts';
import type { TopicPartition } from './topic-partition.ts';
import type { TopicWatch } from './topic-watch.ts';

export class GroupShare {
  readonly coordinator: GroupCoordinator;
  membership: Membership | undefined;
  readonly #holdings: Holdings;
  readonly #topics: TopicWatch;
  #subscription: readonly string[] = [];
  #committing: Promise<void> | undefined;

  constructor(holdings: Holdings, topics: TopicWatch, groupId: string) {
    this.#holdings = holdings;
    this.#topics = topics;
    this.coordinator = new GroupCoordinator(holdings.cluster, groupId);
  }

  /** Joins, or tells the group that this member wants other topics. */
  subscribe(topics: readonly string[]): void {
    this.#subscription = topics;
    if (this.membership !== undefined) {
      this.membership.tell({ type: 'rejoin.requested', reason: 'the subscription has changed' });
      return;
    }
    this.membership = this.#join();
    this.membership.tell({ type: 'group.joined' });
    this.#holdings.every(this.#holdings.settings.metadataMaxAgeMs, () => this.#watchTopics());
    this.commitFromTimeToTime();
  }

  commitFromTimeToTime(): void {
    const { autoCommit, autoCommitIntervalMs } = this.#holdings.settings;
    if (autoCommit) this.#holdings.every(autoCommitIntervalMs, () => this.#autoCommit());
  }

  /** What is finished of the partitions and not committed. */
  finishedOffsets(
    states: Iterable<PartitionState> = this.#holdings.states,
  ): readonly OffsetToCommit[] {
    const offsets: OffsetToCommit[] = [];
    for (const { topic, partition, prefix, position, positionEpoch, committedOffset } of states) {
      const offset = prefix.committable;
      if (position === undefined || offset === committedOffset) continue;
      offsets.push({ topic, partition, offset, leaderEpoch: positionEpoch });
    }
    return offsets;
  }

  /** With the epoch of what was read: whoever goes on from there then does not believe a leader of before it (KIP-320). */
  readonly #withEpoch = (each: OffsetToCommit): OffsetToCommit => {
    const { position = -1, positionEpoch = -1 } = this.#holdings.find(each) ?? {};
    return each.leaderEpoch === undefined && each.offset <= position
      ? { ...each, leaderEpoch: positionEpoch }
      : each;
  };

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    try {
      await this.coordinator.commit(
        offsets.map(this.#withEpoch),
        this.membership?.identity ?? NO_MEMBER,
      );
    } catch (error) {
      if (error instanceof CommitFailed) this.membership?.tell({ type: 'generation.lost' });
      throw error;
    }
    for (const each of offsets) {
      const state = this.#holdings.find(each);
      if (state !== undefined) state.committedOffset = each.offset;
    }
  }

  /** Leaves the group; outside of one, what is finished is committed all the same. */
  async leave(): Promise<void> {
    const { settings, failure, places } = this.#holdings;
    if (this.membership !== undefined) await this.membership.leave();
    else if (settings.autoCommit && failure === undefined)
      await this.#giveBack(places).catch(() => {});
  }

  #join(): Membership {
    const { cluster, settings } = this.#holdings;
    const { assignors, groupInstanceId, rackId, sessionTimeoutMs } = settings;
    const { rebalanceTimeoutMs, heartbeatIntervalMs } = settings;
    const membership = new Membership(
      cluster,
      this.coordinator,
      {
        subscription: () => this.#subscription,
        owned: () => this.#holdings.places,
        giveBack: (partitions) => this.#giveBack(partitions),
        take: (partitions) => this.#takeOver(partitions),
        lose: (partitions) => this.#lose(partitions),
        partitionCounts: async (topics) => {
          await this.#topics.load(topics, false);
          return new Map(topics.map((topic) => [topic, this.#topics.countOf(topic)]));
        },
      },
      {
        assignors: assignors.map(assignorOf),
        instanceId: groupInstanceId ?? null,
        rackId: rackId === '' ? null : rackId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        heartbeatIntervalMs: Math.min(heartbeatIntervalMs, Math.floor(sessionTimeoutMs / 3)),
      },
    );
    membership.actor.subscribe((snapshot) => {
      if (snapshot.hasTag('failed')) this.#holdings.fail(snapshot.context.error);
    });
    return membership;
  }

  async #giveBack(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    const { settings } = this.#holdings;
    const states = partitions.flatMap((each) => this.#holdings.find(each) ?? []);
    for (const state of states) state.isRevoked = true;
    await this.#holdings.settled(states, settings.rebalanceTimeoutMs);
    const stillOurs = states.filter(({ isHeld }) => isHeld);
    if (stillOurs.length === 0) return;
    await settings.onRevoked?.(stillOurs.map(placeOf));
    if (settings.autoCommit && this.#holdings.failure === undefined) {
      await this.#committing;
      await this.commit(this.finishedOffsets(stillOurs)).catch((error: unknown) => {
        // Others have them: what was not committed is theirs to repeat.
        if (!(error instanceof CommitFailed || isRetriable(error))) throw error;
      });
    }
    for (const state of stillOurs) this.#holdings.drop(state);
  }

  async #takeOver(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length > 0) await this.#holdings.settings.onAssigned?.(partitions);
    for (const each of partitions) this.#holdings.add(each);
    this.#holdings.pump();
  }

  #lose(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return;
    for (const each of partitions) {
      const state = this.#holdings.find(each);
      if (state !== undefined) this.#holdings.drop(state);
    }
    this.#holdings.tellIdle();
    const told = this.#holdings.settings.onLost?.(partitions);
    if (told instanceof Promise) told.catch((error: unknown) => this.#holdings.fail(error));
  }

  async #autoCommit(): Promise<void> {
    if (this.#committing !== undefined) return;
    const held = this.#holdings.states.filter(({ isRevoked }) => !isRevoked);
    const offsets = this.finishedOffsets(held);
    if (offsets.length === 0) return;
    // What fails now is tried again with the next one, or told when partitions are given back.
    this.#committing = this.commit(offsets).catch((error: unknown) => {
      if (!(error instanceof ClientError)) this.#holdings.fail(error);
    });
    await this.#committing;
    this.#committing = undefined;
  }

  /** New partitions are shared out in a rebalance. */
  async #watchTopics(): Promise<void> {
    const grown = await this.#topics.grown(this.#subscription);
    if (grown !== undefined)
      this.membership?.tell({
        type: 'rejoin.requested',
        reason: `${grown} has ${this.#topics.countOf(grown)} partitions now`,
      });
  }
}
