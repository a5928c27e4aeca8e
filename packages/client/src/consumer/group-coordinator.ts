/** The broker that coordinates a group: found when it is needed, forgotten when it says that it is not the one. Offsets are kept there. */
import { ErrorCode } from '@odradek/protocol';
import type { Api } from '../api.ts';
import type { AskOptions, Cluster } from '../cluster.ts';
import { BrokerError, ClientError, CommitFailed, check } from '../errors.ts';
import { withRetries } from '../retry.ts';
import { findCoordinatorApi, offsetCommitApi, offsetFetchApi } from './group-api.ts';
import { groupByTopic, keyOf, partitionKey } from './topic-partition.ts';
import type { TopicPartition } from './topic-partition.ts';

const GROUP_KEY = 0;

export interface OffsetToCommit extends TopicPartition {
  /** Of the next record to be read. */
  readonly offset: number;
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

/** Who commits: generation -1 and no id outside of any membership. */
export interface MemberIdentity {
  readonly generation: number;
  readonly memberId: string;
  readonly instanceId: string | null;
}

export const NO_MEMBER: MemberIdentity = { generation: -1, memberId: '', instanceId: null };

const STALE: ReadonlySet<number> = new Set([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
]);
/** The generation is over: what is committed now may be somebody else's. */
const OUTDATED: ReadonlySet<number> = new Set([
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.FENCED_INSTANCE_ID,
]);

export class GroupCoordinator {
  readonly groupId: string;
  readonly #cluster: Cluster;
  #nodeId: number | undefined;
  #finding: Promise<number> | undefined;

  constructor(cluster: Cluster, groupId: string) {
    this.#cluster = cluster;
    this.groupId = groupId;
  }

  /** Once; the caller tries again. */
  find(): Promise<number> {
    if (this.#nodeId !== undefined) return Promise.resolve(this.#nodeId);
    this.#finding ??= this.#find().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  forget(): void {
    this.#nodeId = undefined;
  }

  /** Once. An answer whose error says that it is another broker's affair must be told by `isMoved`. */
  async ask<In, Out>(api: Api<In, Out>, body: NoInfer<In>, options: AskOptions = {}): Promise<Out> {
    const nodeId = await this.find();
    try {
      return await this.#cluster.ask(nodeId, api, body, options);
    } catch (error) {
      if (error instanceof ClientError) this.forget();
      throw error;
    }
  }

  /** Throws BrokerError; and looks for the coordinator anew next time where that is what the code says. */
  check(errorCode: number, api: string, detail?: string | null): void {
    if (STALE.has(errorCode)) this.forget();
    check(errorCode, { api: `${api} of group ${this.groupId}`, ...(detail != null && { detail }) });
  }

  async commit(
    offsets: readonly OffsetToCommit[],
    member: MemberIdentity = NO_MEMBER,
  ): Promise<void> {
    if (offsets.length === 0) return;
    const byKey = new Map(offsets.map((each) => [keyOf(each), each]));
    const { host, retry } = this.#cluster;
    await withRetries(host, retry, async () => {
      const { topics } = await this.ask(offsetCommitApi, {
        groupId: this.groupId,
        generationIdOrMemberEpoch: member.generation,
        memberId: member.memberId,
        groupInstanceId: member.instanceId,
        topics: [...groupByTopic(offsets)].map(([name, partitions]) => ({
          name,
          partitions: partitions.map((partitionIndex) => {
            const { offset, leaderEpoch, metadata } = byKey.get(
              partitionKey(name, partitionIndex),
            )!;
            return {
              partitionIndex,
              committedOffset: offset,
              committedLeaderEpoch: leaderEpoch ?? -1,
              committedMetadata: metadata ?? '',
            };
          }),
        })),
      });
      for (const { name, partitions } of topics)
        for (const { partitionIndex, errorCode } of partitions) {
          if (STALE.has(errorCode)) this.forget();
          if (OUTDATED.has(errorCode))
            throw new CommitFailed(
              `${name}-${partitionIndex}: group ${this.groupId} has given the partition to another member before the commit`,
              { cause: new BrokerError(errorCode, { topic: name, partition: partitionIndex }) },
            );
          check(errorCode, { topic: name, partition: partitionIndex });
        }
    });
  }

  /** Those that have one. Null asks for all of the group's. */
  committed(
    partitions: readonly TopicPartition[] | null,
  ): Promise<ReadonlyMap<string, CommittedOffset>> {
    const { host, retry } = this.#cluster;
    const { groupId } = this;
    const asked =
      partitions === null
        ? null
        : [...groupByTopic(partitions)].map(([name, partitionIndexes]) => ({
            name,
            partitionIndexes,
          }));
    return withRetries(host, retry, async () => {
      const answer = await this.ask(offsetFetchApi, {
        groupId,
        topics: asked,
        groups: [{ groupId, topics: asked }],
        // Offsets of a transaction that is still open would be taken back if it aborts.
        requireStable: true,
      });
      const { topics, errorCode } = answer.groups[0] ?? answer;
      this.check(errorCode, 'OffsetFetch');
      const found = new Map<string, CommittedOffset>();
      for (const { name, partitions: answered } of topics) {
        for (const each of answered) {
          const { partitionIndex: partition, committedOffset: offset } = each;
          check(each.errorCode, { topic: name, partition });
          const { committedLeaderEpoch: leaderEpoch, metadata } = each;
          if (offset >= 0)
            found.set(partitionKey(name, partition), {
              topic: name,
              partition,
              offset,
              leaderEpoch,
              metadata,
            });
        }
      }
      return found;
    });
  }

  async #find(): Promise<number> {
    const { groupId } = this;
    const answer = await this.#cluster.askAny(findCoordinatorApi, {
      key: groupId,
      keyType: GROUP_KEY,
      coordinatorKeys: [groupId],
    });
    const found = answer.coordinators[0] ?? answer;
    this.check(found.errorCode, 'FindCoordinator', found.errorMessage);
    this.#cluster.learnBroker(found.nodeId, { host: found.host, port: found.port });
    this.#nodeId = found.nodeId;
    return found.nodeId;
  }
}
