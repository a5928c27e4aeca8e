/**
 * The acting controller's work on brokers and partitions: it decides against the image, proposes, and answers when the
 * proposal is committed and applied here. One decision at a time, because each is right only for the image that it was made
 * from; requests that change many partitions are one decision.
 *
 * The tree refuses a change of a partition that somebody else has changed meanwhile: then it is decided anew.
 */
import type { Clock } from '@odradek/ports';
import {
  ErrorCode,
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionRequest,
  type AlterPartitionResponse,
  type AssignReplicasToDirsRequest,
  type AssignReplicasToDirsResponse,
  type ElectLeadersRequest,
  type NodeId,
  type Offset,
} from '@odradek/protocol';
import type { QuorumMember, TreeOp } from '@odradek/quorum';
import type { ReplicationMutant } from '@odradek/replication';
import type { MetadataImage } from '../metadata/image.ts';
import { encodeNode } from '../metadata/nodes.ts';
import { PRODUCER_IDS_PATH } from '../metadata/paths.ts';
import { decideAlterPartition } from './alter-partition.ts';
import {
  inProposals,
  minInsyncReplicasChanged,
  repairs,
  uncleanElections,
} from './broker-changes.ts';
import { BrokerHeartbeats, type HeartbeatTimes } from './broker-heartbeats.ts';
import {
  checkBrokerEpoch,
  decideHeartbeat,
  decideUnregister,
  fenceBroker,
  type HeartbeatReply,
} from './broker-lifecycle.ts';
import { decideElections, type Elections } from './elect-leaders.ts';
import {
  decideForsaken,
  forsakenPartitions,
  type ForsakenPartition,
  type ReplicaLogInfo,
} from './forsaken-partitions.ts';
import { misplacedLeaders } from './leader-balance.ts';
import { decided, refuse, type Decision } from './outcome.ts';
import { OVERTAKEN, propose } from './propose.ts';
import { decideReassignments, type ReassignmentResult } from './reassignments.ts';
import { decideDirectories } from './replica-directories.ts';
import { decideClusterRegistration, type ClusterRegistration } from './register-broker.ts';
import { withRemovalNotes } from './removal-notes.ts';
import type { TopicPolicy } from './topic-policy.ts';
import { Turns } from './turns.ts';

export interface ClusterControllerOptions {
  readonly quorum: Pick<QuorumMember, 'propose'>;
  readonly image: MetadataImage;
  readonly policy: TopicPolicy;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly heartbeatTimes: () => HeartbeatTimes;
  /** How far the metadata log is committed and applied here. */
  readonly metadataOffset: () => Offset;
  /** What a broker's replicas hold, by `forsakenKey`; empty when it does not answer. */
  readonly askLogInfo?: (
    node: NodeId,
    partitions: readonly ForsakenPartition[],
  ) => Promise<ReadonlyMap<string, ReplicaLogInfo>>;
  /** Of a simulation; see replication's mutants. */
  readonly mutant?: ReplicationMutant | undefined;
}

/** A decision that was overtaken this often waits for whoever asks to ask again. */
const DECISIONS_MAX = 5;

export interface HeartbeatRequest {
  readonly nodeId: NodeId;
  readonly brokerEpoch: number;
  readonly currentMetadataOffset: number;
  readonly wantFence: boolean;
  readonly wantShutDown: boolean;
}

interface Deciding<T> {
  readonly ops: readonly TreeOp[];
  readonly value: T;
}

export class ClusterController {
  readonly heartbeats: BrokerHeartbeats;
  readonly #options: ClusterControllerOptions;
  readonly #turns = new Turns();
  #isAskingReplicas = false;

  constructor(options: ClusterControllerOptions) {
    this.#options = options;
    this.heartbeats = new BrokerHeartbeats(options.clock, options.heartbeatTimes);
  }

  /** This broker has become the quorum's leader, and its image is up to date. */
  begin(): void {
    const { image, policy, metadataOffset } = this.#options;
    this.heartbeats.begin(image, metadataOffset());
    // Before anything else is decided. If it fails there is another controller, who does the same.
    void this.#change('what was left half done', () =>
      decided({ ops: repairs(image, policy), value: null }),
    );
  }

  /** The broker's epoch. */
  async register(registration: ClusterRegistration): Promise<Decision<number>> {
    const { image, policy, metadataOffset, mutant } = this.#options;
    const { nodeId } = registration;
    const result = await this.#change(`broker ${nodeId}`, () => {
      const isSuccessor =
        this.heartbeats.isPresumed(nodeId) &&
        image.brokers.get(nodeId)?.incarnation === registration.incarnation;
      const isAlive = !isSuccessor && this.heartbeats.isAlive(nodeId);
      const decision = decideClusterRegistration(registration, image, policy, isAlive, mutant);
      return decision.ok
        ? decided({ ops: decision.value.ops, value: decision.value.brokerEpoch })
        : decision;
    });
    if (result.ok) this.heartbeats.registered(nodeId, metadataOffset());
    return result;
  }

  async heartbeat(request: HeartbeatRequest): Promise<Decision<HeartbeatReply>> {
    const { image, policy, metadataOffset } = this.#options;
    const { nodeId, brokerEpoch, currentMetadataOffset } = request;
    const checked = checkBrokerEpoch(image, nodeId, brokerEpoch);
    if (!checked.ok) return checked;
    // Heard is heard, whatever waits for its turn.
    this.heartbeats.touched(nodeId, currentMetadataOffset);
    let beginsShutdown = false;
    const wasFenced = checked.value.fenced;
    const decide = (): Decision<Deciding<HeartbeatReply>> => {
      const decision = decideHeartbeat(
        {
          ...request,
          isCaughtUp: this.heartbeats.isCaughtUp(nodeId),
          isShutdownKnown: this.heartbeats.isShutdownKnown(nodeId),
        },
        image,
        policy,
      );
      if (!decision.ok) return decision;
      beginsShutdown = decision.value.beginsShutdown;
      return decided({ ops: decision.value.ops, value: decision.value.reply });
    };
    // Nearly always there is nothing to change: that must not wait behind what is being changed.
    const quick = decide();
    if (!quick.ok) return quick;
    if (quick.value.ops.length === 0) return decided(quick.value.value);
    const result = await this.#change(`broker ${nodeId}`, decide);
    if (result.ok && beginsShutdown) this.heartbeats.shutdownBegan(nodeId, metadataOffset());
    // It may be the one that everybody waited for.
    if (result.ok && wasFenced && !result.value.isFenced) void this.electFurthest();
    return result;
  }

  /** Fences all whose session has ended; resolves to them. To be called when `heartbeats.nextDeadlineMs` has come. */
  async fenceSilent(): Promise<readonly NodeId[]> {
    const { image, policy } = this.#options;
    const fenced: NodeId[] = [];
    for (const nodeId of this.heartbeats.expired(image)) {
      const result = await this.#change(`broker ${nodeId}`, () => {
        const broker = image.brokers.get(nodeId);
        const isSilent = broker?.fenced === false && !this.heartbeats.isAlive(nodeId);
        return decided({ ops: isSilent ? fenceBroker(broker, image, policy) : [], value: null });
      });
      if (result.ok) fenced.push(nodeId);
    }
    return fenced;
  }

  async unregister(nodeId: NodeId): Promise<Decision<null>> {
    const { image, policy } = this.#options;
    const result = await this.#change(`broker ${nodeId}`, () => {
      const decision = decideUnregister(nodeId, image, policy);
      return decision.ok ? decided({ ops: decision.value, value: null }) : decision;
    });
    if (result.ok) this.heartbeats.unregistered(nodeId);
    return result;
  }

  alterPartition(request: AlterPartitionRequest): Promise<Decision<AlterPartitionResponse>> {
    const { image, policy, mutant } = this.#options;
    return this.#change('an ISR', () => {
      const decision = decideAlterPartition(request, image, policy, mutant);
      return decision.ok
        ? decided({ ops: decision.value.ops, value: decision.value.response })
        : decision;
    });
  }

  assignReplicasToDirs(
    request: AssignReplicasToDirsRequest,
  ): Promise<Decision<AssignReplicasToDirsResponse>> {
    const { image, policy } = this.#options;
    return this.#change('failed logs', () => {
      const decision = decideDirectories(request, image, policy);
      return decision.ok
        ? decided({ ops: decision.value.ops, value: decision.value.response })
        : decision;
    });
  }

  /**
   * Leaders for partitions of which everybody in sync has lost his tail: their replicas are asked what they hold. To be called
   * again from time to time, since who was asked may not have opened his logs yet.
   */
  async electFurthest(): Promise<void> {
    const { image, policy, askLogInfo } = this.#options;
    if (askLogInfo === undefined || this.#isAskingReplicas) return;
    const forsaken = forsakenPartitions(image);
    if (forsaken.length === 0) return;
    this.#isAskingReplicas = true;
    try {
      const infos = new Map<string, ReplicaLogInfo[]>();
      const asked = [...image.brokers.values()].map(async ({ nodeId, fenced }) => {
        const held = forsaken.filter(({ known }) => known.replicas.includes(nodeId));
        if (fenced || held.length === 0) return;
        for (const [key, info] of await askLogInfo(nodeId, held)) {
          const known = infos.get(key);
          if (known === undefined) infos.set(key, [info]);
          else known.push(info);
        }
      });
      await Promise.all(asked);
      await this.#change('forsaken partitions', () =>
        decided({ ops: decideForsaken(infos, image, policy), value: null }),
      );
    } finally {
      this.#isAskingReplicas = false;
    }
  }

  electLeaders(
    request: Pick<ElectLeadersRequest, 'electionType' | 'topicPartitions'>,
  ): Promise<Decision<Elections['results']>> {
    const { image, policy } = this.#options;
    return this.#change('leaders', () => {
      const decision = decideElections(request, image, policy);
      return decision.ok
        ? decided({ ops: decision.value.ops, value: decision.value.results })
        : decision;
    });
  }

  /** Gives leaderships back to the replicas that are named first; resolves to how many went. */
  async balanceLeaders(percentage: number): Promise<Decision<number>> {
    const { image } = this.#options;
    const topicPartitions = misplacedLeaders(image, percentage);
    if (topicPartitions.length === 0) return decided(0);
    const result = await this.electLeaders({ electionType: 0, topicPartitions });
    if (!result.ok) return result;
    const all = [...result.value.values()].flat();
    return decided(all.filter((it) => it.errorCode === ErrorCode.NONE).length);
  }

  alterReassignments(
    request: Pick<AlterPartitionReassignmentsRequest, 'topics' | 'allowReplicationFactorChange'>,
  ): Promise<Decision<readonly ReassignmentResult[]>> {
    const { image, policy } = this.#options;
    return this.#change('replicas', () => {
      const { ops, results } = decideReassignments(request, image, policy);
      return decided({ ops, value: results });
    });
  }

  /** A topic's `unclean.leader.election.enable` was turned on. */
  electUncleanly(): Promise<Decision<null>> {
    const { image, policy } = this.#options;
    return this.#change('leaders', () =>
      decided({ ops: uncleanElections(image, policy), value: null }),
    );
  }

  /** A topic's `min.insync.replicas` was changed. */
  minInsyncReplicasChanged(topic: string): Promise<Decision<null>> {
    const { image, policy } = this.#options;
    return this.#change(`topic "${topic}"`, () =>
      decided({ ops: minInsyncReplicasChanged(image, policy, topic), value: null }),
    );
  }

  /** A block of producer ids for a broker (KIP-730); its first. */
  allocateProducerIds(
    nodeId: NodeId,
    brokerEpoch: number,
    blockSize: number,
  ): Promise<Decision<number>> {
    const { image } = this.#options;
    return this.#change('producer ids', () => {
      const checked = checkBrokerEpoch(image, nodeId, brokerEpoch);
      if (!checked.ok) return checked;
      const first = image.nextProducerId;
      const value = encodeNode({ nextProducerId: first + blockSize });
      return decided({ ops: [{ op: 'set', path: PRODUCER_IDS_PATH, value }], value: first });
    });
  }

  /** In turn; decided anew when it was overtaken. What has no operations is answered as it is. */
  #change<T>(what: string, decide: () => Decision<Deciding<T>>): Promise<Decision<T>> {
    return this.#turns.run('', async () => {
      for (let tries = 1; ; tries++) {
        const decision = decide();
        if (!decision.ok) return decision;
        const ops = withRemovalNotes(decision.value.ops, this.#options.image);
        const result = await this.#proposeAll(ops, what);
        if (result.ok) return decided(decision.value.value);
        if (!OVERTAKEN.has(result.errorCode) || tries === DECISIONS_MAX) {
          return refuse(
            OVERTAKEN.has(result.errorCode) ? ErrorCode.REQUEST_TIMED_OUT : result.errorCode,
            result.message,
          );
        }
        // A change of nothing is committed behind the one that was faster: then the image has that one.
        const caughtUp = await propose(this.#options.quorum, [], what);
        if (!caughtUp.ok) return caughtUp;
      }
    });
  }

  async #proposeAll(ops: readonly TreeOp[], what: string): Promise<Decision<null>> {
    for (const part of inProposals(ops)) {
      const result = await propose(this.#options.quorum, part, what);
      if (!result.ok) return result;
    }
    return decided(null);
  }
}
