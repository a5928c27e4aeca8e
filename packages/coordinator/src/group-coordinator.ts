/**
 * The coordinator of classic consumer groups: who is in a group, in which generation, and how far it has come. A group lives on the
 * broker that leads its partition of __consumer_offsets; the broker says which it leads (`load`, `unload`) and passes requests
 * on. Bodies are the protocol's; codes are answers, not exceptions.
 */
import { ErrorCode } from '@odradek/protocol';
import { TIMER_DELAY_MS_MAX } from './config.ts';
import { GroupActors } from './group-actors.ts';
import { describeGroup, listedGroups, refuseDescription } from './group-listing.ts';
import type { CoordinatorHost } from './host.ts';
import { replayLog } from './load.ts';
import type {
  DeleteGroupsReply,
  DeleteGroupsRequest,
  DescribeGroupsReply,
  DescribeGroupsRequest,
  HeartbeatReply,
  HeartbeatRequest,
  JoinGroupReply,
  JoinGroupRequest,
  LeaveGroupReply,
  LeaveGroupRequest,
  ListGroupsReply,
  ListGroupsRequest,
  OffsetCommitReply,
  OffsetCommitRequest,
  OffsetDeleteReply,
  OffsetDeleteRequest,
  OffsetFetchReply,
  OffsetFetchRequest,
  RequestContext,
  SyncGroupReply,
  SyncGroupRequest,
} from './messages.ts';
import { decideCommit, decideOffsetDelete } from './offset-decisions.ts';
import { fetchOffsets, groupsAsked, offsetFetchReply, refuseFetch } from './offset-fetch.ts';
import type { FetchedGroup, GroupAsked } from './offset-fetch.ts';
import { partitionFor } from './partition-for.ts';
import { groupErrorOf, joinRefusal, NO_MEMBER_ID, syncRefusal } from './replies.ts';
import { Shard } from './shard.ts';
import { CONSUMER_PROTOCOL_TYPE } from './subscription.ts';

/** The log could not be read. The partition is left unloaded: its groups are told NOT_COORDINATOR. */
export class CoordinatorLoadError extends Error {
  override readonly name = 'CoordinatorLoadError';
}

/** From this SyncGroup version on a member must say what protocol it means (KIP-559). */
const PROTOCOL_NAMED_SINCE = 5;
/** From this JoinGroup version on "no protocol" is null; before, it is the empty string. */
const NULL_PROTOCOL_SINCE = 7;
/** From this LeaveGroup version on several members may leave at once. */
const LEAVING_MEMBERS_SINCE = 3;
/** From this OffsetCommit version on a generation of an unknown group is GROUP_ID_NOT_FOUND; before, ILLEGAL_GENERATION. */
const COMMIT_NOT_FOUND_SINCE = 9;

export class GroupCoordinator {
  readonly #host: CoordinatorHost;
  readonly #actors: GroupActors;
  readonly #shards = new Map<number, Shard>();
  #expiryTimer: ReturnType<CoordinatorHost['clock']['setTimeout']> | undefined;
  #isClosed = false;

  constructor(host: CoordinatorHost) {
    this.#host = host;
    this.#actors = new GroupActors(host.clock);
  }

  /** The partition of __consumer_offsets whose leader coordinates the group. */
  partitionFor(groupId: string): number {
    return partitionFor(groupId, this.#host.config.offsetsTopicPartitions);
  }

  /**
   * The broker leads the partition from this epoch on. Until its log is read, its groups are told COORDINATOR_LOAD_IN_PROGRESS.
   * `batches` are whole record batches, one or several a piece, from the log's start to its end. Throws CoordinatorLoadError.
   */
  async load(
    partition: number,
    leaderEpoch: number,
    batches: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const current = this.#shards.get(partition);
    if (this.#isClosed || (current !== undefined && current.leaderEpoch >= leaderEpoch)) return;
    current?.close(ErrorCode.NOT_COORDINATOR);
    const shard = new Shard(partition, leaderEpoch, this.#host, this.#actors);
    this.#shards.set(partition, shard);
    this.#keepExpiring();
    try {
      const isRead = await replayLog(batches, {
        compression: this.#host.compression,
        logger: shard.logger,
        replay: (record) => shard.image.replay(record),
        isWanted: () => this.#shards.get(partition) === shard,
      });
      if (isRead) shard.activate();
    } catch (cause) {
      if (this.#shards.get(partition) === shard) this.unload(partition);
      throw new CoordinatorLoadError(
        `__consumer_offsets-${partition} could not be read; its groups have no coordinator until it is loaded again`,
        { cause },
      );
    }
  }

  /** The broker leads the partition no more. Whoever waits is told NOT_COORDINATOR and finds the new one. */
  unload(partition: number): void {
    this.#shards.get(partition)?.close(ErrorCode.NOT_COORDINATOR);
    this.#shards.delete(partition);
  }

  /** For good. */
  close(): void {
    this.#isClosed = true;
    if (this.#expiryTimer !== undefined) this.#host.clock.clearTimeout(this.#expiryTimer);
    for (const partition of [...this.#shards.keys()]) this.unload(partition);
  }

  /** Answers when the rebalance has its members, which may take as long as the slowest may take to rejoin. */
  async joinGroup(request: JoinGroupRequest, context: RequestContext): Promise<JoinGroupReply> {
    const reply = await new Promise<JoinGroupReply>((resolve) =>
      this.#join(request, context, resolve),
    );
    const { protocolName } = reply;
    return {
      ...reply,
      protocolName:
        context.apiVersion >= NULL_PROTOCOL_SINCE ? protocolName || null : (protocolName ?? ''),
    };
  }

  /** Answers when the leader's assignment is committed. */
  syncGroup(request: SyncGroupRequest, context: RequestContext): Promise<SyncGroupReply> {
    return new Promise((resolve) => {
      const { errorCode, shard } = this.#shardOf(request.groupId);
      if (shard === undefined) return resolve(syncRefusal(errorCode));
      const isNamed = request.protocolType !== null && request.protocolName !== null;
      if (context.apiVersion >= PROTOCOL_NAMED_SINCE && !isNamed)
        return resolve(syncRefusal(ErrorCode.INCONSISTENT_GROUP_PROTOCOL));
      const group = shard.groups.get(request.groupId);
      if (group === undefined) return resolve(syncRefusal(ErrorCode.UNKNOWN_MEMBER_ID));
      group.sync(request, resolve);
    });
  }

  /** Never waits. */
  heartbeat(request: HeartbeatRequest): HeartbeatReply {
    const { errorCode, shard } = this.#shardOf(request.groupId);
    if (shard === undefined) {
      // Sessions begin anew when the log is read; until then members may be at ease.
      return {
        errorCode:
          errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : errorCode,
      };
    }
    return {
      errorCode:
        shard.groups.get(request.groupId)?.heartbeat(request) ?? ErrorCode.UNKNOWN_MEMBER_ID,
    };
  }

  leaveGroup(request: LeaveGroupRequest, context: RequestContext): LeaveGroupReply {
    const isBatch = context.apiVersion >= LEAVING_MEMBERS_SINCE;
    const leaving = isBatch
      ? request.members
      : [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
    const { errorCode, shard } = this.#shardOf(request.groupId);
    if (shard === undefined) return { errorCode, members: [] };
    const unknown = leaving.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
    }));
    const members = shard.groups.get(request.groupId)?.leave(leaving) ?? unknown;
    return isBatch
      ? { errorCode: ErrorCode.NONE, members }
      : { errorCode: members[0]?.errorCode ?? ErrorCode.NONE, members: [] };
  }

  /** Answers when the offsets are committed. */
  offsetCommit(request: OffsetCommitRequest, context: RequestContext): Promise<OffsetCommitReply> {
    return new Promise((resolve) => {
      const decision = decideCommit(
        request,
        this.#host,
        this.#host.config,
        this.#host.clock.wallTimeMs(),
      );
      // With nothing to commit, nobody is asked whether it may be.
      if (decision.records.length === 0) return resolve(decision.replyAfter(ErrorCode.NONE));
      const { errorCode, shard } = this.#shardOf(request.groupId, 'emptyIdToo');
      if (shard === undefined) return resolve(decision.replyAfter(errorCode));
      const refusal = this.#refuseCommit(shard, request, context);
      if (refusal !== ErrorCode.NONE) return resolve(decision.replyAfter(refusal));
      shard.append(decision.records, (appendError) =>
        resolve(decision.replyAfter(groupErrorOf(appendError))),
      );
    });
  }

  async offsetFetch(
    request: OffsetFetchRequest,
    context: RequestContext,
  ): Promise<OffsetFetchReply> {
    const groups = await Promise.all(
      groupsAsked(request, context).map((asked) =>
        this.#fetchGroup(asked, request.requireStable, context),
      ),
    );
    return offsetFetchReply(groups, context);
  }

  describeGroups(request: DescribeGroupsRequest, context: RequestContext): DescribeGroupsReply {
    const groups = request.groups.map((groupId) => {
      const { errorCode, shard } = this.#shardOf(groupId, 'emptyIdToo');
      return shard === undefined
        ? refuseDescription(groupId, errorCode)
        : describeGroup(shard, groupId, context.apiVersion);
    });
    return { groups };
  }

  /** The groups of this broker; clients ask all brokers. */
  listGroups(request: ListGroupsRequest): ListGroupsReply {
    if (this.#isClosed) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, groups: [] };
    const shards = [...this.#shards.values()];
    // A list that lacks some would look complete.
    if (shards.some((shard) => shard.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS))
      return { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, groups: [] };
    return {
      errorCode: ErrorCode.NONE,
      groups: shards.flatMap((shard) => [...listedGroups(shard, request)]),
    };
  }

  async deleteGroups(request: DeleteGroupsRequest): Promise<DeleteGroupsReply> {
    const groupIds = [...new Set(request.groupsNames)];
    const errorCodes = await Promise.all(groupIds.map((groupId) => this.#deleteGroup(groupId)));
    return {
      results: groupIds.map((groupId, index) => ({ groupId, errorCode: errorCodes[index]! })),
    };
  }

  offsetDelete(request: OffsetDeleteRequest): Promise<OffsetDeleteReply> {
    return new Promise((resolve) => {
      const { groupId } = request;
      const refuse = (errorCode: ErrorCode): void => resolve({ errorCode, topics: [] });
      const { errorCode, shard } = this.#shardOf(groupId);
      if (shard === undefined) return refuse(errorCode);
      if (!shard.has(groupId)) return refuse(ErrorCode.GROUP_ID_NOT_FOUND);
      const roster = shard.groups.get(groupId)?.roster;
      // What other protocols consume cannot be known, so nobody may be there.
      if (!shard.isEmpty(groupId) && roster?.protocolType !== CONSUMER_PROTOCOL_TYPE)
        return refuse(ErrorCode.NON_EMPTY_GROUP);
      const isSubscribedTo = (topic: string): boolean => roster?.isSubscribedTo(topic) ?? false;
      const decision = decideOffsetDelete(request, this.#host, isSubscribedTo, (topic, partition) =>
        shard.hasOffset(groupId, topic, partition),
      );
      if (decision.records.length === 0) return resolve(decision.replyAfter(ErrorCode.NONE));
      shard.append(decision.records, (appendError) =>
        resolve(decision.replyAfter(groupErrorOf(appendError))),
      );
    });
  }

  /** Offsets of topics that are no more would be taken for those of new ones of the same name. */
  onTopicsDeleted(topics: Iterable<string>): void {
    const names = new Set(topics);
    for (const shard of this.#shards.values()) shard.forgetTopics(names);
  }

  // The parts of the above.

  #join(
    request: JoinGroupRequest,
    context: RequestContext,
    answer: (reply: JoinGroupReply) => void,
  ): void {
    const { groupId, memberId } = request;
    const { errorCode, shard } = this.#shardOf(groupId);
    const refusal =
      errorCode === ErrorCode.INVALID_GROUP_ID ? errorCode : this.#refuseJoin(request);
    if (refusal !== ErrorCode.NONE) return answer(joinRefusal(memberId, refusal));
    if (shard === undefined) return answer(joinRefusal(memberId, errorCode));
    if (!shard.groups.has(groupId)) {
      // Nobody there knows the id: its group died, or lived on another broker.
      if (memberId !== NO_MEMBER_ID)
        return answer(joinRefusal(memberId, ErrorCode.UNKNOWN_MEMBER_ID));
      if (this.#count((each) => each.groups.size) >= this.#host.config.limits.groupsMax) {
        this.#host.logger.warn('a group was refused: this broker has as many as it may', {
          groupId,
        });
        return answer(joinRefusal(NO_MEMBER_ID, ErrorCode.GROUP_MAX_SIZE_REACHED));
      }
    }
    shard.group(groupId).join(request, context, answer);
  }

  #refuseJoin({ sessionTimeoutMs, protocols }: JoinGroupRequest): ErrorCode {
    const { minSessionTimeoutMs, maxSessionTimeoutMs, limits } = this.#host.config;
    if (this.#isClosed) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (sessionTimeoutMs < minSessionTimeoutMs || sessionTimeoutMs > maxSessionTimeoutMs)
      return ErrorCode.INVALID_SESSION_TIMEOUT;
    const metadataBytes = protocols.reduce(
      (sum, { name, metadata }) => sum + name.length + metadata.length,
      0,
    );
    return metadataBytes > limits.memberMetadataBytesMax
      ? ErrorCode.INVALID_REQUEST
      : ErrorCode.NONE;
  }

  #refuseCommit(
    shard: Shard,
    request: OffsetCommitRequest,
    { apiVersion }: RequestContext,
  ): ErrorCode {
    const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = request;
    const group = shard.groups.get(groupId);
    if (group !== undefined) {
      const refusal = group.acceptCommit(memberId, groupInstanceId, generation);
      return this.#host.mutants?.has('coordinator.fencedCommit') ? ErrorCode.NONE : refusal;
    }
    if (generation >= 0) {
      if (shard.has(groupId)) return ErrorCode.UNKNOWN_MEMBER_ID;
      return apiVersion >= COMMIT_NOT_FOUND_SINCE
        ? ErrorCode.GROUP_ID_NOT_FOUND
        : ErrorCode.ILLEGAL_GENERATION;
    }
    if (
      shard.has(groupId) ||
      this.#count((each) => each.image.groups.size) < this.#host.config.limits.groupsMax
    )
      return ErrorCode.NONE;
    this.#host.logger.warn('offsets were refused: this broker keeps as many groups as it may', {
      groupId,
    });
    return ErrorCode.GROUP_MAX_SIZE_REACHED;
  }

  #fetchGroup(
    asked: GroupAsked,
    requireStable: boolean,
    context: RequestContext,
  ): Promise<FetchedGroup> {
    return new Promise((resolve) => {
      const { groupId } = asked;
      const { errorCode, shard } = this.#shardOf(groupId, 'emptyIdToo');
      if (shard === undefined) return resolve(refuseFetch(asked, errorCode, context));
      if (!requireStable)
        return resolve(fetchOffsets(asked, shard.image.offsets(groupId), this.#host, context));
      // KIP-447: what is being committed is waited for, and then seen.
      shard.whenSettled((barrierError) => {
        if (barrierError === ErrorCode.NONE)
          return resolve(fetchOffsets(asked, shard.image.offsets(groupId), this.#host, context));
        // Consumers do not expect a timeout here; looking for the coordinator again is what helps.
        resolve(
          refuseFetch(
            asked,
            barrierError === ErrorCode.REQUEST_TIMED_OUT
              ? ErrorCode.NOT_COORDINATOR
              : groupErrorOf(barrierError),
            context,
          ),
        );
      });
    });
  }

  #deleteGroup(groupId: string): Promise<ErrorCode> {
    return new Promise((resolve) => {
      const { errorCode, shard } = this.#shardOf(groupId, 'emptyIdToo');
      if (shard === undefined) return resolve(errorCode);
      if (!shard.has(groupId)) return resolve(ErrorCode.GROUP_ID_NOT_FOUND);
      if (!shard.isEmpty(groupId)) return resolve(ErrorCode.NON_EMPTY_GROUP);
      shard.deleteGroup(groupId, (appendError) => resolve(groupErrorOf(appendError)));
    });
  }

  /** The shard that serves the group, or why there is none. Offsets alone may be kept under the empty id, as of old. */
  #shardOf(
    groupId: string,
    emptyId: 'refuseEmptyId' | 'emptyIdToo' = 'refuseEmptyId',
  ): { readonly errorCode: ErrorCode; readonly shard: Shard | undefined } {
    if (this.#isClosed) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, shard: undefined };
    if (groupId === '' && emptyId === 'refuseEmptyId')
      return { errorCode: ErrorCode.INVALID_GROUP_ID, shard: undefined };
    const shard = this.#shards.get(this.partitionFor(groupId));
    const errorCode = shard?.errorCode ?? ErrorCode.NOT_COORDINATOR;
    return { errorCode, shard: errorCode === ErrorCode.NONE ? shard : undefined };
  }

  #count(of: (shard: Shard) => number): number {
    let count = 0;
    for (const shard of this.#shards.values()) count += of(shard);
    return count;
  }

  #keepExpiring(): void {
    if (this.#expiryTimer !== undefined) return;
    const { clock, config } = this.#host;
    this.#expiryTimer = clock.setTimeout(
      () => {
        this.#expiryTimer = undefined;
        for (const shard of this.#shards.values()) shard.expireOffsets();
        if (this.#shards.size > 0) this.#keepExpiring();
      },
      Math.min(config.offsetsRetentionCheckIntervalMs, TIMER_DELAY_MS_MAX),
    );
  }
}
