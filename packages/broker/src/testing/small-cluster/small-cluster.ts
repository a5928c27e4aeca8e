/**
 * Three brokers, one partition, one controller, and everything that can go wrong between them, drawn from a seed. After every
 * event the rules of replication (docs/architecture.md) are checked; a violation ends the history with its name.
 */
import { NEVER, type PartitionLog } from '@odradek/log';
import type { Random } from '@odradek/ports';
import {
  ErrorCode,
  nodeId,
  type AlterPartitionResponse,
  type AssignReplicasToDirsRequest,
  type AssignReplicasToDirsResponse,
  type Input,
  type NodeId,
  type Uuid,
  type alterPartitionRequest,
} from '@odradek/protocol';
import { elrOf, type PartitionAssignment, type ReplicationMutant } from '@odradek/replication';
import { ClusterController } from '../../controller/cluster-controller.ts';
import { initialAssignment } from '../../controller/placement.ts';
import { encodeNode } from '../../metadata/nodes.ts';
import { partitionPath, topicPath } from '../../metadata/paths.ts';
import { batchOf, valuesIn } from '../records.ts';
import { seededRandom } from '../test-broker.ts';
import { MetadataLog } from './metadata-log.ts';
import { CONTROLLER, Network } from './network.ts';
import { SimBroker, TOPIC, TOPIC_ID } from './sim-broker.ts';
import { SimClock, settled } from './sim-clock.ts';

export interface SmallClusterOptions {
  readonly seed: number;
  /** False: an append is acknowledged when it is written; then power is cut only where another replica has everything. */
  readonly isFlushed: boolean;
  readonly mutant?: ReplicationMutant;
  /** The disk of this broker, and of no other, has a rotten bit now and then when it starts, while another has everything. */
  readonly rotten?: number;
  /** Of 1000 messages, those that come when nobody waits for them; drawn unless told. */
  readonly late?: number;
  /** Nothing is produced while a broker is down: what it once had is then still all there is. */
  readonly isQuietWhenDown?: boolean;
}

export class Violation extends Error {
  override readonly name = 'Violation';
}

interface Committed {
  readonly value: string;
}

const BROKERS = [1, 2, 3].map(nodeId);

export class SmallCluster {
  readonly clock = new SimClock();
  readonly random: Random;
  readonly network: Network;
  readonly metadata = new MetadataLog();
  readonly brokers: readonly SimBroker[];
  readonly minInsyncReplicas = 2;
  readonly history: string[] = [];
  acknowledged = 0;
  readonly #options: SmallClusterOptions;
  readonly #controller: ClusterController;
  /** What was once below a high watermark stands for ever, here by offset. */
  readonly #ledger: Committed[] = [];
  readonly #acknowledged = new Map<number, string>();
  readonly #seen = new Map<NodeId, { life: number; highWatermark: number }>();
  readonly #leaders = new Map<number, NodeId>();
  /** Lost power without its flushes, and is not in sync again. */
  readonly #tainted = new Set<NodeId>();
  #produced = 0;
  #violation: Violation | undefined;

  constructor(options: SmallClusterOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    this.network = new Network(this.clock, seededRandom(options.seed + 1_000_003));
    this.#controller = new ClusterController({
      quorum: this.metadata as unknown as ConstructorParameters<
        typeof ClusterController
      >[0]['quorum'],
      image: this.metadata.image,
      policy: {
        minInsyncReplicas: () => this.minInsyncReplicas,
        isUncleanElectionEnabled: () => false,
      },
      clock: this.clock,
      heartbeatTimes: () => ({ sessionTimeoutMs: 500, linkLossTimeoutMs: 200 }),
      metadataOffset: () => this.metadata.endOffset,
      askLogInfo: (node) =>
        this.network
          .ask(CONTROLLER, node, () => this.brokers[node - 1]!.logInfo())
          .catch(() => new Map()),
      mutant: options.mutant,
    });
    const config = options.isFlushed ? {} : { flushMessages: NEVER, flushMs: NEVER };
    this.brokers = BROKERS.map(
      (id) => new SimBroker(id, this, seededRandom(options.seed * 31 + id), config, options.mutant),
    );
    this.metadata.onCommitted.push(() => {
      for (const broker of this.brokers) broker.metadataGrew();
      this.trace(() => `metadata ${JSON.stringify(this.assignment)}`);
    });
  }

  get assignment(): PartitionAssignment | undefined {
    return this.metadata.image.partition(TOPIC, 0);
  }

  trace(line: string | (() => string)): void {
    this.history.push(`${this.clock.nowMs.toFixed(0)} ${typeof line === 'string' ? line : line()}`);
  }

  /** All brokers up, the topic made, everybody in sync. */
  async begin(): Promise<void> {
    for (const broker of this.brokers) broker.start();
    void this.#fenceTheSilent();
    await this.run(600);
    await this.metadata.propose([
      {
        op: 'create',
        path: topicPath(TOPIC),
        value: encodeNode({ topicId: TOPIC_ID, partitionCount: 1 }),
      },
      {
        op: 'create',
        path: partitionPath(TOPIC, 0),
        value: encodeNode(initialAssignment(BROKERS)),
      },
    ]);
    await this.run(300);
  }

  /** Lets so much time pass; the rules are checked after each event. */
  async run(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs + ms;
    for (;;) {
      const isMore = this.clock.step(untilMs);
      await settled();
      await this.#check();
      if (!isMore) return;
    }
  }

  /** Trouble for so long, then none: everything must come together again. */
  async trouble(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs + ms;
    Object.assign(this.network.weather, {
      lost: this.random.uint32() % 40,
      doubled: this.random.uint32() % 40,
      late: this.#options.late ?? (this.random.uint32() % 2 === 0 ? this.random.uint32() % 200 : 0),
      delayMsMax: 5 + (this.random.uint32() % 40),
    });
    while (this.clock.nowMs < untilMs) {
      this.#event();
      await this.run(1 + (this.random.uint32() % (this.random.uint32() % 2 === 0 ? 12 : 160)));
    }
  }

  async recover(): Promise<void> {
    this.trace('all is well from now on');
    this.network.heal();
    await this.run(100);
    for (const broker of this.brokers) if (broker.mayStart) broker.start();
    const isWhole = (): boolean => this.assignment?.isr.length === BROKERS.length;
    for (let tries = 0; tries < 100 && !isWhole(); tries++) await this.run(200);
    if (!isWhole()) throw this.#broken(`the ISR is still ${this.assignment?.isr.join()}`);
    const before = this.acknowledged;
    for (let tries = 0; tries < 20 && this.acknowledged === before; tries++) {
      this.produce();
      await this.run(200);
    }
    if (this.acknowledged === before) throw this.#broken('nothing can be produced');
    const isAlike = (): boolean => {
      const logs = this.brokers.map((it) => it.log);
      return logs.every((it) => it?.highWatermark === logs[0]?.logEndOffset);
    };
    for (let tries = 0; tries < 100 && !isAlike(); tries++) await this.run(200);
    if (!isAlike()) throw this.#broken('the replicas do not become alike');
    await this.#compareLogs();
  }

  /** To whoever believes to lead; there may be two, or nobody. */
  produce(): void {
    for (const broker of this.brokers) {
      const { replica } = broker;
      if (replica?.role !== 'leader') continue;
      const value = `v${this.#produced++}`;
      const request = { records: batchOf([value]), acks: -1, origin: 'client' } as const;
      let at = -1;
      const outcome = replica.append(request, (errorCode) => {
        if (errorCode !== ErrorCode.NONE) return;
        this.acknowledged++;
        this.#acknowledged.set(at, value);
        this.trace(`${broker.nodeId} acknowledges ${value} at ${at}`);
      });
      if (outcome.status !== 'refused') {
        at = outcome.baseOffset;
        this.trace(`${broker.nodeId} appends ${value} at ${at}`);
      }
    }
  }

  // What brokers ask of the controller.

  /** Of a process that has ended nothing is read any more: its connections are gone. */
  async register(id: NodeId, life: number, cleanEpoch: number): Promise<number> {
    if (this.brokers[id - 1]!.lives !== life) return -1;
    const result = await this.#controller.register({
      nodeId: id,
      incarnation: `${id}` as Uuid,
      processId: `${id}/${life}` as Uuid,
      listeners: [],
      rack: null,
      previousBrokerEpoch: cleanEpoch,
    });
    this.trace(`${id} registers: ${result.ok ? result.value : result.message}`);
    if (!result.ok) return -1;
    return result.value;
  }

  async heartbeat(request: Parameters<ClusterController['heartbeat']>[0]): Promise<ErrorCode> {
    const result = await this.#controller.heartbeat(request);
    return result.ok ? ErrorCode.NONE : result.errorCode;
  }

  async alterPartition(
    request: Input<typeof alterPartitionRequest>,
  ): Promise<AlterPartitionResponse> {
    const topics = request.topics.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((it) => ({
        ...it,
        newIsr: it.newIsr ?? [],
        newIsrWithEpochs: (it.newIsrWithEpochs ?? []).map((member) => ({
          brokerId: member.brokerId,
          brokerEpoch: member.brokerEpoch ?? -1,
        })),
        leaderRecoveryState: 0,
      })),
    }));
    const result = await this.#controller.alterPartition({
      brokerId: request.brokerId,
      brokerEpoch: request.brokerEpoch ?? -1,
      topics,
    });
    this.trace(
      () =>
        `${request.brokerId} wishes ${JSON.stringify(request.topics[0]?.partitions)}: ${JSON.stringify(result)}`,
    );
    return result.ok
      ? result.value
      : { throttleTimeMs: 0, errorCode: result.errorCode, topics: [] };
  }

  async assignReplicas(
    request: AssignReplicasToDirsRequest,
  ): Promise<AssignReplicasToDirsResponse> {
    const result = await this.#controller.assignReplicasToDirs(request);
    this.trace(`${request.brokerId} tells where its replica is: ${JSON.stringify(result)}`);
    return result.ok
      ? result.value
      : { throttleTimeMs: 0, errorCode: result.errorCode, directories: [] };
  }

  async #fenceTheSilent(): Promise<void> {
    for (;;) {
      await this.clock.sleep(50);
      const fenced = await this.#controller.fenceSilent();
      if (fenced.length > 0) this.trace(`fenced ${fenced.join()}`);
      void this.#controller.electFurthest();
    }
  }

  #event(): void {
    const draw = this.random.uint32() % 100;
    const broker = this.brokers[this.random.uint32() % BROKERS.length]!;
    if (draw < 52) {
      if (this.#options.isQuietWhenDown && this.brokers.some((it) => !it.isUp)) return;
      for (let more = this.random.uint32() % 10; more >= 0; more--) this.produce();
    } else if (draw < 60) this.#crash(broker, true);
    else if (draw < 63) this.#crash(broker, false);
    else if (draw < 67) this.#crashAll();
    else if (draw < 80) this.#startOne();
    else if (draw < 83 && broker.isUp) {
      this.trace(`${broker.nodeId} stops`);
      void broker.stop();
    } else if (draw < 92) this.#cut(broker);
    else if (draw < 97) {
      this.trace('the network heals');
      this.network.heal();
    } else {
      const topicPartitions = [{ topic: TOPIC, partitions: [0] }];
      void this.#controller.electLeaders({ electionType: 0, topicPartitions });
    }
  }

  #crash(broker: SimBroker, isPower: boolean): void {
    if (!broker.isUp) return;
    if (!this.#options.isFlushed) {
      // One replica at a time may stop uncleanly: of more nobody can know any more who has everything.
      if ([...this.#tainted].some((it) => it !== broker.nodeId)) return;
      if (this.brokers.some((it) => !it.isUp && it !== broker)) return;
      this.#tainted.add(broker.nodeId);
    }
    this.trace(`${broker.nodeId} ${isPower ? 'loses power' : 'is killed'}`);
    broker.crash(isPower);
  }

  #crashAll(): void {
    if (!this.#options.isFlushed) return;
    this.trace('all lose power');
    for (const broker of this.brokers) if (broker.isUp) broker.crash(true);
  }

  #startOne(): void {
    const down = this.brokers.filter((it) => it.mayStart);
    const broker = down[this.random.uint32() % Math.max(1, down.length)];
    if (broker === undefined) return;
    // What nobody else is sure to have, nobody could give it back.
    const others = [
      ...(this.assignment?.isr ?? []),
      ...(this.assignment ? elrOf(this.assignment) : []),
    ];
    const mayRot =
      broker.nodeId === this.#options.rotten && others.some((it) => it !== broker.nodeId);
    if (mayRot && this.random.uint32() % 2 === 0) {
      const isRotten = broker.rot((this.random.uint32() % 1000) / 1000);
      if (isRotten) this.trace(`${broker.nodeId} has a rotten bit`);
    }
    this.trace(`${broker.nodeId} starts`);
    broker.start();
  }

  #cut(broker: SimBroker): void {
    const from = broker.nodeId;
    const others = [CONTROLLER, ...BROKERS].filter((it) => it !== from);
    const shape = this.random.uint32() % 4;
    const chosen = shape === 0 ? others : [others[this.random.uint32() % others.length]!];
    this.trace(`${from} is cut off from ${chosen.join()}${shape === 1 ? ', one way' : ''}`);
    for (const other of chosen) {
      this.network.cut(from, other);
      if (shape !== 1) this.network.cut(other, from);
    }
  }

  async #check(): Promise<void> {
    if (this.#violation !== undefined) throw this.#violation;
    const { assignment } = this;
    if (assignment === undefined) return;
    for (const id of this.#tainted) {
      const back = this.brokers[id - 1]!;
      if (assignment.isr.includes(id) && back.isUp && back.lives > 0 && this.#isBack(back)) {
        this.#tainted.delete(id);
      }
    }
    for (const broker of this.brokers) {
      const { log, replica } = broker;
      if (log === undefined || replica === undefined || replica.role === 'loading') continue;
      await this.#checkCommitted(broker, log);
      const isCandidate =
        assignment.isr.includes(broker.nodeId) || elrOf(assignment).includes(broker.nodeId);
      // Who may be elected, in the life that the controller knows, holds all that is committed.
      if (isCandidate && this.#isBack(broker) && log.logEndOffset < this.#ledger.length) {
        throw this.#broken(
          `${broker.nodeId} may be elected with ${log.logEndOffset} records, ${this.#ledger.length} were committed`,
        );
      }
      const { leadership } = replica;
      if (leadership === undefined) continue;
      const epoch = leadership.assignment.leaderEpoch;
      const known = this.#leaders.get(epoch);
      if (known !== undefined && known !== broker.nodeId) {
        throw this.#broken(`${known} and ${broker.nodeId} lead in epoch ${epoch}`);
      }
      this.#leaders.set(epoch, broker.nodeId);
      if (epoch !== assignment.leaderEpoch || assignment.leader !== broker.nodeId) continue;
      // Rule 4: who may be elected is waited for.
      const missing = assignment.isr.filter((it) => !leadership.isr.maximal.includes(it));
      if (missing.length > 0 && leadership.assignment.partitionEpoch <= assignment.partitionEpoch) {
        throw this.#broken(`the leader does not wait for ${missing.join()}, who is in the ISR`);
      }
      if (log.logEndOffset < this.#ledger.length) {
        throw this.#broken(
          `${broker.nodeId} leads with ${log.logEndOffset} records, ${this.#ledger.length} were committed`,
        );
      }
    }
    for (const [at, value] of this.#acknowledged) {
      if (this.#ledger[at]?.value !== value) {
        throw this.#broken(
          `${value} was acknowledged at ${at}, where ${this.#ledger[at]?.value} is`,
        );
      }
      this.#acknowledged.delete(at);
    }
  }

  #isBack(broker: SimBroker): boolean {
    const registered = this.metadata.image.brokers.get(broker.nodeId);
    return registered?.processId === (`${broker.nodeId}/${broker.lives}` as Uuid);
  }

  /** Rules 2 and 8: the mark never goes back, and what is below it is the same everywhere and for ever. */
  async #checkCommitted(broker: SimBroker, log: PartitionLog): Promise<void> {
    const { highWatermark } = log;
    let seen = this.#seen.get(broker.nodeId);
    if (seen === undefined || seen.life !== broker.lives) {
      seen = { life: broker.lives, highWatermark: log.logStartOffset };
      this.#seen.set(broker.nodeId, seen);
    }
    if (highWatermark < seen.highWatermark) {
      throw this.#broken(
        `the high watermark of ${broker.nodeId} went from ${seen.highWatermark} back to ${highWatermark}`,
      );
    }
    if (highWatermark === seen.highWatermark) return;
    const values = await valuesOf(log, seen.highWatermark, highWatermark);
    values.forEach((value, i) => {
      const at = seen.highWatermark + i;
      const known = this.#ledger[at];
      if (known === undefined) this.#ledger[at] = { value };
      else if (known.value !== value) {
        throw this.#broken(
          `${broker.nodeId} has ${value} committed at ${at}, where ${known.value} was`,
        );
      }
    });
    seen.highWatermark = highWatermark;
  }

  async #compareLogs(): Promise<void> {
    const logs = this.brokers.map((it) => it.log!);
    const mark = Math.max(...logs.map((it) => it.highWatermark));
    for (const log of logs) {
      const values = await valuesOf(log, 0, mark);
      const expected = this.#ledger.slice(0, mark).map((it) => it.value);
      if (values.join() !== expected.join()) throw this.#broken('the replicas are not alike');
    }
  }

  #broken(what: string): Violation {
    const at = this.brokers.map((it) => it.describe()).join('; ');
    this.#violation ??= new Violation(
      `seed ${this.#options.seed}, ${this.clock.nowMs} ms: ${what} (${at}; ${JSON.stringify(this.assignment)})`,
    );
    return this.#violation;
  }
}

const valuesOf = async (log: PartitionLog, from: number, to: number): Promise<string[]> => {
  const values: string[] = [];
  for (let at = from; at < to;) {
    const read = await log.read(at as never, {
      maxBytes: 1 << 20,
      atLeastOneBatch: true,
      below: to as never,
    });
    if (read.status !== 'ok' || read.sizeBytes === 0) break;
    for (const bytes of read.records) values.push(...valuesIn(bytes));
    at = read.nextOffset;
  }
  return values;
};
