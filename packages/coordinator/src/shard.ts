/**
 * One partition of __consumer_offsets that this broker leads: the image of its committed log, the groups that live in memory on top
 * of it, and the queue of what is on its way into the log.
 *
 * A group is in memory while it has members or ids that wait for use; otherwise the image says all there is (such a group is Empty).
 */
import { ErrorCode } from '@odradek/protocol';
import { AppendQueue } from './append-queue.ts';
import type { Settled } from './append-queue.ts';
import type { GroupConfig } from './config.ts';
import { Group } from './group.ts';
import type { GroupServices } from './group.ts';
import type { GroupActors } from './group-actors.ts';
import type { CoordinatorHost } from './host.ts';
import { decideExpiry, tombstone } from './offset-decisions.ts';
import type { ExpiryRule } from './offset-decisions.ts';
import { OffsetsImage } from './offsets-image.ts';
import { encodeRecord } from './records/records.ts';
import type { CoordinatorRecord, GroupMetadata, OffsetCommitRecord } from './records/records.ts';
import { groupErrorOf } from './replies.ts';

export class Shard implements GroupServices {
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly clock: CoordinatorHost['clock'];
  readonly random: CoordinatorHost['random'];
  readonly logger: CoordinatorHost['logger'];
  readonly actors: GroupActors;
  readonly image = new OffsetsImage();
  readonly #host: CoordinatorHost;
  readonly #groups = new Map<string, Group>();
  readonly #queue: AppendQueue;
  /** Deleted while the log was read: their offsets may have been read before. */
  readonly #topicsDeletedEarly = new Set<string>();
  #state: 'loading' | 'active' | 'closed' = 'loading';

  constructor(partition: number, leaderEpoch: number, host: CoordinatorHost, actors: GroupActors) {
    this.partition = partition;
    this.leaderEpoch = leaderEpoch;
    this.clock = host.clock;
    this.random = host.random;
    this.logger = host.logger.child({ partition: `__consumer_offsets-${partition}` });
    this.actors = actors;
    this.#host = host;
    this.#queue = new AppendQueue({
      clock: host.clock,
      append: (records) => this.#write(records),
      replay: (record) => this.image.replay(record),
      inFlightMax: () => host.config.limits.appendsInFlightMax,
      timeoutMs: () => host.config.offsetsCommitTimeoutMs,
    });
  }

  /** NONE, or what a client is told who asks for anything. */
  get errorCode(): ErrorCode {
    if (this.#state === 'active') return ErrorCode.NONE;
    return this.#state === 'loading'
      ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
      : ErrorCode.NOT_COORDINATOR;
  }

  get groups(): ReadonlyMap<string, Group> {
    return this.#groups;
  }

  /** The log was read: generations with members go on, and their sessions begin anew. */
  activate(): void {
    this.#state = 'active';
    for (const [groupId, { metadata }] of this.image.groups) {
      if (metadata === undefined || metadata.members.length === 0) continue;
      const group = this.#open(groupId);
      // group.max.size was lowered meanwhile: those who join first stay.
      if (group.roster.members.size > this.config().groupMaxSize) group.rebalance();
    }
    this.forgetTopics(this.#topicsDeletedEarly);
  }

  close(errorCode: ErrorCode): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const group of this.#groups.values()) group.close(errorCode);
    this.#groups.clear();
    this.#queue.close(errorCode);
  }

  /** The group in memory, called there if need be. */
  group(groupId: string): Group {
    return this.#groups.get(groupId) ?? this.#open(groupId);
  }

  has(groupId: string): boolean {
    return this.#groups.has(groupId) || this.image.groups.has(groupId);
  }

  isEmpty(groupId: string): boolean {
    return (this.#groups.get(groupId)?.phase ?? 'Empty') === 'Empty';
  }

  hasOffset(groupId: string, topic: string, partition: number): boolean {
    if (this.image.offsets(groupId)?.get(topic)?.has(partition) === true) return true;
    for (const record of this.#queue.pending()) {
      if (
        record.type === 'offsetCommit' &&
        record.groupId === groupId &&
        record.topic === topic &&
        record.partition === partition
      )
        return true;
    }
    return false;
  }

  /** When all that was appended before is committed. */
  whenSettled(settled: Settled): void {
    this.#queue.barrier((errorCode) => settled(errorCode));
  }

  /** Tombstones of all that the log has, or may yet have, of an empty group. */
  deleteGroup(groupId: string, settled: Settled): void {
    const keys = new Map<string, CoordinatorRecord>();
    for (const record of this.#recordsOf(groupId))
      keys.set(keyOf(record), { ...record, value: null });
    this.#appendTombstones([...keys.values()], (errorCode) => {
      if (errorCode === ErrorCode.NONE) this.#groups.get(groupId)?.forget();
      settled(errorCode);
    });
  }

  forgetTopics(topics: ReadonlySet<string>): void {
    if (topics.size === 0 || this.#state === 'closed') return;
    if (this.#state === 'loading') {
      for (const topic of topics) this.#topicsDeletedEarly.add(topic);
      return;
    }
    const keys = new Map<string, CoordinatorRecord>();
    for (const [groupId, { offsets }] of this.image.groups) {
      for (const topic of topics) {
        for (const partition of offsets.get(topic)?.keys() ?? [])
          add(keys, tombstone(groupId, topic, partition));
      }
    }
    for (const record of this.#queue.pending()) {
      if (record.type === 'offsetCommit' && topics.has(record.topic))
        add(keys, { ...record, value: null });
    }
    this.#appendTombstones([...keys.values()], (errorCode) =>
      this.#warnIfNot(errorCode, 'offsets of deleted topics could not be removed'),
    );
  }

  /** KIP-211: offsets that nobody consumes any more, and groups that have none left. */
  expireOffsets(): void {
    if (this.#state !== 'active') return;
    for (const group of this.#groups.values()) if (group.isIdle) this.onIdle(group);
    // What is being committed is not old, and what is being deleted needs no second tombstone.
    const busy = new Set<string>();
    for (const { groupId } of this.#queue.pending()) busy.add(groupId);
    const records: CoordinatorRecord[] = [];
    for (const [groupId, { offsets, metadata }] of this.image.groups) {
      const rule = busy.has(groupId) ? undefined : this.#expiryRule(groupId, metadata);
      if (rule === undefined) continue;
      const expired = decideExpiry(groupId, offsets, rule);
      records.push(...expired.records);
      if (expired.isAll && metadata !== undefined && !this.#groups.has(groupId))
        records.push({ type: 'groupMetadata', groupId, value: null });
    }
    if (records.length > 0) this.logger.info('offsets expired', { tombstones: records.length });
    this.#appendTombstones(records, (errorCode) =>
      this.#warnIfNot(errorCode, 'expired offsets could not be removed'),
    );
  }

  // GroupServices

  config(): GroupConfig {
    return this.#host.config;
  }

  append(records: readonly CoordinatorRecord[], settled: Settled): void {
    this.#queue.append(records, settled);
  }

  storedMetadata(groupId: string): GroupMetadata | undefined {
    return this.image.metadata(groupId);
  }

  onIdle(group: Group): void {
    const stored = this.image.metadata(group.groupId);
    // If the log could not be told how the group ended, only memory knows.
    if ((stored?.generation ?? 0) !== group.roster.generation) return;
    if (this.#groups.get(group.groupId) !== group) return;
    this.#groups.delete(group.groupId);
    group.close(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  }

  onBroken(group: Group, error: unknown): void {
    this.logger.error('a group broke and begins anew from the log', {
      groupId: group.groupId,
      error,
    });
    group.dismissEveryone(ErrorCode.UNKNOWN_SERVER_ERROR);
    if (this.#groups.get(group.groupId) !== group) return;
    this.#groups.delete(group.groupId);
    const stored = this.image.metadata(group.groupId);
    if (this.#state === 'active' && stored !== undefined && stored.members.length > 0)
      this.#open(group.groupId);
  }

  #open(groupId: string): Group {
    const group = new Group(groupId, this);
    this.#groups.set(groupId, group);
    return group;
  }

  async #write(records: readonly CoordinatorRecord[]): Promise<ErrorCode> {
    try {
      return await this.#host.append(this.partition, records.map(encodeRecord));
    } catch (error) {
      this.logger.error('records could not be appended', { records: records.length, error });
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    }
  }

  /** What the image and the queue hold of a group. */
  *#recordsOf(groupId: string): Generator<CoordinatorRecord, void, undefined> {
    const stored = this.image.groups.get(groupId);
    for (const [topic, partitions] of stored?.offsets ?? []) {
      for (const partition of partitions.keys()) yield tombstone(groupId, topic, partition);
    }
    if (stored?.metadata !== undefined) yield { type: 'groupMetadata', groupId, value: null };
    for (const record of this.#queue.pending()) if (record.groupId === groupId) yield record;
  }

  /** Undefined: nothing of the group's expires now. */
  #expiryRule(groupId: string, stored: GroupMetadata | undefined): ExpiryRule | undefined {
    const nowMs = this.clock.wallTimeMs();
    const retentionMs = this.config().offsetsRetentionMinutes * 60_000;
    const group = this.#groups.get(groupId);
    const always = { nowMs, retentionMs, emptySinceMs: undefined, isSubscribedTo: () => false };
    if (group !== undefined && group.phase !== 'Empty') {
      const { roster } = group;
      if (group.phase !== 'Stable' || roster.topics === undefined) return undefined;
      return { ...always, isSubscribedTo: (topic) => roster.isSubscribedTo(topic) };
    }
    const protocolType =
      group === undefined ? (stored?.protocolType ?? '') : (group.roster.protocolType ?? '');
    // A simple consumer, which never had members.
    if (protocolType === '') return always;
    const emptySinceMs = group?.stateTimestampMs ?? stored?.stateTimestampMs ?? -1;
    return emptySinceMs === -1 ? always : { ...always, emptySinceMs };
  }

  #appendTombstones(records: readonly CoordinatorRecord[], settled: Settled): void {
    const { tombstonesPerBatchMax } = this.config().limits;
    if (records.length === 0) return this.#queue.barrier(settled);
    let failure: ErrorCode = ErrorCode.NONE;
    for (let at = 0; at < records.length; at += tombstonesPerBatchMax) {
      const isLast = at + tombstonesPerBatchMax >= records.length;
      this.#queue.append(records.slice(at, at + tombstonesPerBatchMax), (errorCode) => {
        if (errorCode !== ErrorCode.NONE) failure = groupErrorOf(errorCode);
        if (isLast) settled(failure);
      });
    }
  }

  #warnIfNot(errorCode: ErrorCode, message: string): void {
    if (errorCode !== ErrorCode.NONE && this.#state === 'active')
      this.logger.warn(message, { errorCode });
  }
}

function add(keys: Map<string, CoordinatorRecord>, record: OffsetCommitRecord): void {
  keys.set(keyOf(record), record);
}

function keyOf(record: CoordinatorRecord): string {
  return record.type === 'groupMetadata'
    ? `group ${record.groupId}`
    : `offset ${record.groupId}\n${record.topic}\n${record.partition}`;
}
