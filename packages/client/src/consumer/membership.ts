/** What the membership's machine orders: the requests to the coordinator, and the group leader's work. Partitions are the consumer's. */
import { ErrorCode, MalformedFrame } from '@odradek/protocol';
import type { JoinGroupResponse } from '@odradek/protocol';
import { createActor, fromPromise } from 'xstate';
import type { Actor } from 'xstate';
import { heartbeatApi, joinGroupApi, leaveGroupApi, syncGroupApi } from './group-api.ts';
import type { Cluster } from '../cluster.ts';
import { ProtocolViolation } from '../errors.ts';
import { backoffMs } from '../retry.ts';
import type { Assignor, Member } from './assignors/assignor.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts';
import type { GroupCoordinator, MemberIdentity } from './group-coordinator.ts';
import { heartbeatMachine } from './heartbeat.machine.ts';
import type { Refusal } from './heartbeat.machine.ts';
import { failureKind } from './membership-failure.ts';
import { membershipMachine } from './membership.machine.ts';
import type { MembershipEvent } from './membership.machine.ts';
import { keyOf } from './topic-partition.ts';
import type { TopicPartition } from './topic-partition.ts';

export interface MembershipOptions {
  readonly assignors: readonly Assignor[];
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

/** The consumer, as its membership sees it. */
export interface PartitionOwner {
  subscription(): readonly string[];
  owned(): readonly TopicPartition[];
  /** Stops handing out, waits for what is in work, commits. */
  giveBack(partitions: readonly TopicPartition[]): Promise<void>;
  take(partitions: readonly TopicPartition[]): Promise<void>;
  /** Somebody else may have them already. */
  lose(partitions: readonly TopicPartition[]): void;
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

const PROTOCOL_TYPE = 'consumer';
/** A join is answered when the rebalance ends; a broker is given this much more. */
const JOIN_GRACE_MS = 5000;
const NO_GENERATION = -1;

type Joined = JoinGroupResponse;

export interface GroupJoined {
  readonly memberId: string;
  readonly generation: number;
  readonly leaderId: string;
  /** The assignor's name. */
  readonly protocol: string;
}

export class Membership {
  readonly actor: Actor<typeof membershipMachine>;
  readonly #cluster: Cluster;
  readonly #coordinator: GroupCoordinator;
  readonly #owner: PartitionOwner;
  readonly #options: MembershipOptions;
  readonly #lane: string;
  #memberId = '';
  #generation = NO_GENERATION;
  #joined: Joined | undefined;
  #assigned: readonly TopicPartition[] = [];
  /** What it had last, for sticky assignors: eager members have given it back by the time they tell. */
  #lastAssigned: readonly TopicPartition[] = [];
  #lastGeneration = NO_GENERATION;

  constructor(
    cluster: Cluster,
    coordinator: GroupCoordinator,
    owner: PartitionOwner,
    options: MembershipOptions,
  ) {
    this.#cluster = cluster;
    this.#coordinator = coordinator;
    this.#owner = owner;
    this.#options = options;
    this.#lane = cluster.newLane('group');
    this.actor = this.#createActor();
  }

  get identity(): MemberIdentity {
    return {
      generation: this.#generation,
      memberId: this.#memberId,
      instanceId: this.#options.instanceId,
    };
  }

  get joined(): GroupJoined | undefined {
    const joined = this.#joined;
    if (joined === undefined) return undefined;
    const { memberId, generationId: generation, leader: leaderId, protocolName } = joined;
    return { memberId, generation, leaderId, protocol: protocolName ?? '' };
  }

  tell(event: MembershipEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }

  /** Settles when the member has left; the coordinator is told when it can be reached. */
  leave(): Promise<void> {
    this.tell({ type: 'leave.requested' });
    return new Promise((resolve) => {
      const done = (): void => {
        this.#cluster.closeLane(this.#lane);
        resolve();
      };
      if (this.actor.getSnapshot().status !== 'active') done();
      else this.actor.subscribe({ complete: done, error: done });
    });
  }

  get #isCooperative(): boolean {
    return this.#options.assignors.every(({ isCooperative }) => isCooperative);
  }

  async #join(): Promise<void> {
    const { assignors, instanceId, rackId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    const topics = this.#owner.subscription();
    // Nobody may hold a partition across an eager rebalance: somebody else gets it.
    if (!this.#isCooperative) await this.#owner.giveBack(this.#owner.owned());
    const owned = this.#owner.owned();
    const generation = this.#lastGeneration;
    const protocols = assignors.map((assignor) => ({
      name: assignor.name,
      metadata:
        assignor.encoded?.subscription(topics) ??
        encodeSubscription({
          topics,
          userData: assignor.userData(this.#lastAssigned, generation),
          owned,
          generation,
          rackId,
        }),
    }));
    const joined = await this.#coordinator.ask(
      joinGroupApi,
      {
        groupId: this.#coordinator.groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        groupInstanceId: instanceId,
        protocolType: PROTOCOL_TYPE,
        protocols,
        reason: this.actor.getSnapshot().context.reason?.slice(0, 255) ?? null,
      },
      { lane: this.#lane, extraMs: rebalanceTimeoutMs + JOIN_GRACE_MS },
    );
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.#memberId = joined.memberId;
    this.#check(joined.errorCode, 'JoinGroup');
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    this.#joined = joined;
  }

  async #sync(): Promise<void> {
    const joined = this.#joined!;
    const { memberId, generationId, protocolName } = joined;
    const isLeader = joined.leader === memberId && !joined.skipAssignment;
    const assignments = isLeader ? await this.#assignAll(joined) : [];
    const answer = await this.#coordinator.ask(
      syncGroupApi,
      {
        groupId: this.#coordinator.groupId,
        generationId,
        memberId,
        groupInstanceId: this.#options.instanceId,
        protocolType: PROTOCOL_TYPE,
        protocolName,
        assignments,
      },
      { lane: this.#lane, extraMs: this.#options.rebalanceTimeoutMs + JOIN_GRACE_MS },
    );
    this.#check(answer.errorCode, 'SyncGroup');
    this.#assigned = decodeAssignment(answer.assignment);
  }

  /** As the leader of the group. */
  async #assignAll({
    protocolName,
    members,
  }: Joined): Promise<readonly { readonly memberId: string; readonly assignment: Uint8Array }[]> {
    const assignor = this.#assignor(protocolName);
    if (assignor.encoded !== undefined) {
      const topics = this.#owner.subscription();
      return assignor.encoded.assign(members, topics, await this.#owner.partitionCounts(topics));
    }
    const told = members.map(({ memberId, groupInstanceId, metadata }): Member => {
      const subscription = subscriptionOf(metadata);
      return {
        memberId,
        instanceId: groupInstanceId,
        topics: subscription.topics,
        ...assignor.past(subscription),
      };
    });
    const topics = [...new Set(told.flatMap((member) => member.topics))];
    const assignment = assignor.assign(await this.#owner.partitionCounts(topics), told);
    return [...assignment].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeAssignment(partitions),
    }));
  }

  #assignor(protocolName: string | null): Assignor {
    const assignor = this.#options.assignors.find(({ name }) => name === protocolName);
    if (assignor === undefined)
      throw new ProtocolViolation(
        `group ${this.#coordinator.groupId} chose the assignor ${protocolName}, which this member did not offer`,
      );
    return assignor;
  }

  async #adopt(): Promise<boolean> {
    const assigned = new Set(this.#assigned.map(keyOf));
    const surplus = this.#owner.owned().filter((each) => !assigned.has(keyOf(each)));
    this.#lastAssigned = this.#assigned;
    this.#lastGeneration = this.#generation;
    await this.#owner.giveBack(surplus);
    const owned = new Set(this.#owner.owned().map(keyOf));
    await this.#owner.take(this.#assigned.filter((each) => !owned.has(keyOf(each))));
    return this.#isCooperative && surplus.length > 0;
  }

  /** Cooperative members keep what they have; eager ones give it back while heartbeats still go out. */
  async #revoke(): Promise<void> {
    if (!this.#isCooperative) await this.#owner.giveBack(this.#owner.owned());
  }

  async #heartbeat(): Promise<void> {
    const { errorCode } = await this.#coordinator.ask(
      heartbeatApi,
      {
        groupId: this.#coordinator.groupId,
        generationId: this.#generation,
        memberId: this.#memberId,
        groupInstanceId: this.#options.instanceId,
      },
      { lane: this.#lane },
    );
    this.#check(errorCode, 'Heartbeat');
  }

  async #leave(): Promise<void> {
    const memberId = this.#memberId;
    const { instanceId } = this.#options;
    await this.#owner.giveBack(this.#owner.owned());
    // A static member keeps its place until its session ends: that is what it is for (KIP-345).
    if (memberId === '' || instanceId !== null) return;
    // Not behind a join that is held.
    await this.#coordinator.ask(leaveGroupApi, {
      groupId: this.#coordinator.groupId,
      memberId,
      members: [{ memberId, groupInstanceId: instanceId, reason: 'the consumer is closed' }],
    });
  }

  #loseEverything(): void {
    this.#owner.lose(this.#owner.owned());
    this.#generation = NO_GENERATION;
    this.#lastGeneration = NO_GENERATION;
    this.#lastAssigned = [];
  }

  #check(errorCode: number, api: string): void {
    // A member that is not known any more comes back as a new one; after ILLEGAL_GENERATION it keeps its id.
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.#memberId = '';
    this.#coordinator.check(errorCode, api, adviceFor(errorCode, this.#coordinator.groupId));
  }

  #createActor(): Actor<typeof membershipMachine> {
    const { host, retry } = this.#cluster;
    const step = <Out>(work: () => Promise<Out>) =>
      fromPromise<Out>(() =>
        work().catch((error: unknown) => {
          const refusal: Refusal = { kind: failureKind(error), error };
          throw refusal;
        }),
      );
    const logic = membershipMachine.provide({
      delays: { retryPause: ({ context }) => backoffMs(host, retry, context.failures - 1) },
      actions: { loseEverything: () => this.#loseEverything() },
      actors: {
        heartbeat: heartbeatMachine.provide({
          actors: { sendHeartbeat: step(() => this.#heartbeat()) },
        }),
        findCoordinator: step(async () => {
          await this.#coordinator.find();
        }),
        join: step(() => this.#join()),
        sync: step(() => this.#sync()),
        adoptAssignment: step(() => this.#adopt()),
        revoke: step(() => this.#revoke()),
        leave: step(() => this.#leave()),
      },
    });
    const { heartbeatIntervalMs } = this.#options;
    const input = { intervalMs: heartbeatIntervalMs, retryMs: retry.backoffMs };
    return createActor(logic, { clock: host.clock, input }).start();
  }
}

function subscriptionOf(metadata: Uint8Array): ReturnType<typeof decodeSubscription> {
  try {
    return decodeSubscription(metadata);
  } catch (error) {
    // Another client's own words: it gets no partitions rather than stopping everybody.
    if (error instanceof MalformedFrame)
      return { topics: [], userData: null, owned: [], generation: NO_GENERATION, rackId: null };
    throw error;
  }
}

function adviceFor(errorCode: number, groupId: string): string | null {
  switch (errorCode) {
    case ErrorCode.INCONSISTENT_GROUP_PROTOCOL:
      return `the members of group ${groupId} have no assignor, or no protocol type, in common with this one: give it the assignors that the others use, or another group id`;
    case ErrorCode.INVALID_SESSION_TIMEOUT:
      return "sessionTimeoutMs is outside of the broker's group.min.session.timeout.ms and group.max.session.timeout.ms";
    case ErrorCode.GROUP_MAX_SIZE_REACHED:
      return `group ${groupId} has as many members as the broker allows (group.max.size)`;
    case ErrorCode.FENCED_INSTANCE_ID:
      return 'another member with the same instance id has taken its place';
    default:
      return null;
  }
}
