/** A client of one group, with as much of a consumer's mind as stories need: it knows its id and its generation. */
import { ErrorCode } from '@odradek/protocol';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import type {
  JoinGroupReply,
  OffsetCommitReply,
  RequestContext,
  SyncGroupReply,
} from '../messages.ts';
import type { FakeBroker } from './fake-broker.ts';

export interface TestConsumerOptions {
  readonly groupId?: string;
  readonly clientId?: string;
  readonly groupInstanceId?: string | null;
  readonly apiVersion?: number;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly protocolType?: string;
  readonly protocols?: readonly { readonly name: string; readonly metadata: Uint8Array }[];
}

/** ConsumerProtocolSubscription v0. */
export function subscriptionTo(...topics: readonly string[]): Uint8Array {
  const bytes = [0, 0, 0, 0, 0, topics.length];
  for (const topic of topics) bytes.push(0, topic.length, ...utf8Encode(topic));
  bytes.push(0xff, 0xff, 0xff, 0xff);
  return Uint8Array.from(bytes);
}

export class TestConsumer {
  readonly groupId: string;
  readonly clientId: string;
  readonly groupInstanceId: string | null;
  apiVersion: number;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocolType: string;
  protocols: readonly { readonly name: string; readonly metadata: Uint8Array }[];
  memberId = '';
  generation = -1;
  /** The last answers that were good. */
  joined: JoinGroupReply | undefined;
  assignment: string | undefined;
  readonly #broker: FakeBroker;

  constructor(broker: FakeBroker, options: TestConsumerOptions = {}) {
    this.#broker = broker;
    this.groupId = options.groupId ?? 'readers';
    this.clientId = options.clientId ?? 'reader';
    this.groupInstanceId = options.groupInstanceId ?? null;
    this.apiVersion = options.apiVersion ?? 9;
    this.sessionTimeoutMs = options.sessionTimeoutMs ?? 10_000;
    this.rebalanceTimeoutMs = options.rebalanceTimeoutMs ?? 60_000;
    this.protocolType = options.protocolType ?? 'consumer';
    this.protocols = options.protocols ?? [{ name: 'range', metadata: subscriptionTo('words') }];
  }

  get context(): RequestContext {
    return { apiVersion: this.apiVersion, clientId: this.clientId, clientHost: '/127.0.0.1' };
  }

  get isLeader(): boolean {
    return this.joined?.leader === this.memberId;
  }

  joinOnce(): Promise<JoinGroupReply> {
    const {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId,
      groupInstanceId,
      protocolType,
      protocols,
    } = this;
    const request = {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId,
      groupInstanceId,
      protocolType,
      protocols,
      reason: null,
    };
    return this.#broker.coordinator.joinGroup(request, this.context);
  }

  /** Comes back with the id that it is given, as clients do. */
  async join(): Promise<JoinGroupReply> {
    let reply = await this.joinOnce();
    if (reply.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.memberId = reply.memberId;
      reply = await this.joinOnce();
    }
    if (reply.errorCode === ErrorCode.NONE) {
      this.joined = reply;
      this.memberId = reply.memberId;
      this.generation = reply.generationId ?? -1;
    }
    return reply;
  }

  /** The leader assigns each member its own id. */
  async sync(
    assign: (memberId: string) => string = (memberId) => `for ${memberId}`,
  ): Promise<SyncGroupReply> {
    const { groupId, generation: generationId, memberId, groupInstanceId, protocolType } = this;
    const members = this.isLeader ? (this.joined?.members ?? []) : [];
    const assignments = members.map((member) => ({
      memberId: member.memberId,
      assignment: utf8Encode(assign(member.memberId)),
    }));
    const protocolName = this.joined?.protocolName ?? null;
    const request = {
      groupId,
      generationId,
      memberId,
      groupInstanceId,
      protocolType,
      protocolName,
      assignments,
    };
    const reply = await this.#broker.coordinator.syncGroup(request, {
      ...this.context,
      apiVersion: 5,
    });
    if (reply.errorCode === ErrorCode.NONE) this.assignment = utf8Decode(reply.assignment);
    return reply;
  }

  heartbeat(): ErrorCode {
    const { groupId, generation: generationId, memberId, groupInstanceId } = this;
    return this.#broker.coordinator.heartbeat({ groupId, generationId, memberId, groupInstanceId })
      .errorCode;
  }

  leave(): ErrorCode {
    const { groupId, memberId, groupInstanceId } = this;
    const members = [{ memberId, groupInstanceId, reason: 'done' }];
    const reply = this.#broker.coordinator.leaveGroup(
      { groupId, memberId: '', members },
      { ...this.context, apiVersion: 5 },
    );
    return reply.members?.[0]?.errorCode ?? reply.errorCode;
  }

  async commit(partition: number, offset: number, topic = 'words'): Promise<ErrorCode> {
    const reply = await this.commitAll([{ topic, partition, offset }]);
    return reply.topics[0]!.partitions[0]!.errorCode;
  }

  commitAll(
    offsets: readonly {
      readonly topic: string;
      readonly partition: number;
      readonly offset: number;
      readonly metadata?: string;
    }[],
    apiVersion = 9,
  ): Promise<OffsetCommitReply> {
    const { groupId, generation: generationIdOrMemberEpoch, memberId, groupInstanceId } = this;
    const topics = offsets.map(({ topic, partition, offset, metadata }) => ({
      name: topic,
      topicId: '00000000000000000000000000000000' as never,
      partitions: [
        {
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: 3,
          committedMetadata: metadata ?? null,
        },
      ],
    }));
    const request = {
      groupId,
      generationIdOrMemberEpoch,
      memberId,
      groupInstanceId,
      retentionTimeMs: -1,
      topics,
    };
    return this.#broker.coordinator.offsetCommit(request, { ...this.context, apiVersion });
  }

  /** -1: none. */
  async committed(
    partition: number,
    options: { readonly topic?: string; readonly requireStable?: boolean } = {},
  ): Promise<number> {
    const { topic = 'words', requireStable = false } = options;
    const asked = [{ name: topic, partitionIndexes: [partition] }];
    const request = { groupId: this.groupId, topics: asked, groups: [], requireStable };
    const reply = await this.#broker.coordinator.offsetFetch(request, {
      ...this.context,
      apiVersion: 7,
    });
    return reply.topics![0]!.partitions[0]!.committedOffset;
  }
}
