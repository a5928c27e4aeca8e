/**
 * One broker with one replica of the one partition: the real log, machine, replica and fetcher over a memory disk. It can
 * lose power, be killed, stop in order, and start again; all that it knows then is what its disk has.
 */
import {
  PartitionLog,
  defaultLogConfig,
  type LogConfig,
  type LogCorruptError,
  type LogEnd,
} from '@odradek/log';
import { silentLogger, type Random } from '@odradek/ports';
import {
  ErrorCode,
  crc32cJs,
  leaderEpoch,
  nodeId,
  offset,
  type Body,
  type FetchResponse,
  type NodeId,
  type Uuid,
  type fetchResponse,
} from '@odradek/protocol';
import {
  FETCHER_DEFAULTS,
  IsrProposals,
  LeaderFetcher,
  PartitionReplica,
  isDamage,
  partitionReplicaMachine,
  type PartitionAssignment,
  type PartitionRead,
  type ReadRequest,
  type ReplicaKey,
  type ReplicationMutant,
} from '@odradek/replication';
import { MemoryDisk } from '@odradek/storage/memory';
import { createActor, fromPromise, type ActorRefFrom } from 'xstate';
import { OfflineReplicas } from '../../cluster/offline-replicas.ts';
import { forsakenKey, type ReplicaLogInfo } from '../../controller/forsaken-partitions.ts';
import { MetadataImage } from '../../metadata/image.ts';
import { logInfoOf } from '../../replicas/log-info.ts';
import { setLogAside } from '../../replicas/set-aside.ts';
import type { SmallCluster } from './small-cluster.ts';

export const TOPIC = 'words';
export const TOPIC_ID = '0123456789abcdef0123456789abcdef' as Uuid;
const KEY: ReplicaKey = { topic: TOPIC, topicId: TOPIC_ID, partition: 0 };
const LOG_FILE = `${TOPIC}-0/00000000000000000000.log`;
const HEARTBEAT_MS = 100;
const LAG_TIME_MAX_MS = 400;
const FETCH_WAIT_MS = 100;

/** One batch an answer: catching up takes its time, so that something can happen meanwhile. */
const FETCHER = {
  ...FETCHER_DEFAULTS,
  maxWaitMs: FETCH_WAIT_MS,
  backoffMs: 200,
  partitionMaxBytes: 100,
};

type FetchInput = Parameters<ConstructorParameters<typeof LeaderFetcher>[0]['link']['fetch']>[0];
type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];

export class SimBroker {
  readonly nodeId: NodeId;
  readonly disk: MemoryDisk;
  readonly #cluster: SmallCluster;
  readonly #config: LogConfig;
  readonly #mutant: ReplicationMutant | undefined;
  /** What ends with this life. */
  #life: Life | undefined;
  #lives = 0;
  #cleanEpoch = -1;
  #wasClean = true;
  #wasPowerLoss = true;
  #isStopping = false;

  constructor(
    id: number,
    cluster: SmallCluster,
    random: Random,
    config: Partial<LogConfig>,
    mutant: ReplicationMutant | undefined,
  ) {
    this.nodeId = nodeId(id);
    this.#cluster = cluster;
    this.#config = { ...defaultLogConfig, ...config };
    this.#mutant = mutant;
    const { clock } = cluster;
    this.disk = new MemoryDisk({
      random,
      traits: { durability: 'disk' },
      pace: (operation) =>
        operation === 'sync' ? clock.sleep(1 + (random.uint32() % 40)) : undefined,
    });
  }

  /** Down, and not on its way there. */
  get mayStart(): boolean {
    return this.#life === undefined && !this.#isStopping;
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  get replica(): PartitionReplica | undefined {
    return this.#life?.replica;
  }

  get log(): PartitionLog | undefined {
    return this.#life?.replica.log;
  }

  /** Counts starts: what was seen of an earlier one need not hold for the next. */
  get lives(): number {
    return this.#lives;
  }

  get state(): string {
    return JSON.stringify(this.#life?.actor.getSnapshot().value ?? 'down');
  }

  start(): void {
    this.#lives++;
    this.#life = new Life(this, this.#cluster, this.#config, this.#mutant, {
      lives: this.#lives,
      wasClean: this.#wasClean,
      wasPowerLoss: this.#wasPowerLoss,
      cleanEpoch: this.#cleanEpoch,
    });
    this.#wasClean = false;
    this.#cleanEpoch = -1;
  }

  /** `isPower`: what was not flushed may go; else the process alone ends. */
  crash(isPower: boolean): void {
    this.#life?.end();
    this.#life = undefined;
    this.#wasPowerLoss = isPower;
    if (isPower) this.disk.crash();
    else this.disk.kill();
  }

  /** In order: the log is closed, and the epoch is noted that vouches for it. */
  async stop(): Promise<void> {
    const life = this.#life;
    if (life === undefined || life.replica.log === undefined) return;
    this.#life = undefined;
    life.end();
    this.#isStopping = true;
    try {
      await life.replica.log.close({ clean: true });
      await life.volume.close();
      this.#wasClean = true;
      // Never registered: nothing has changed since the stop before, which vouches still.
      this.#cleanEpoch = life.brokerEpoch >= 0 ? life.brokerEpoch : life.cleanEpochBefore;
    } catch {
      this.disk.kill();
    }
    this.#isStopping = false;
  }

  /** The partition's part of a Fetch, as a peer link hands it over. */
  serveFetch(request: FetchInput): Promise<FetchResponse> | undefined {
    return this.#life?.serveFetch(request);
  }

  endOfEpoch(
    currentLeaderEpoch: number,
    epoch: number,
  ): Promise<{ errorCode: ErrorCode; endOffset: number }> | undefined {
    const replica = this.#life?.replica;
    if (replica === undefined) return undefined;
    const errorCode = replica.leaderError(currentLeaderEpoch);
    const endOffset =
      errorCode === ErrorCode.NONE ? replica.endOffsetForEpoch(epoch).endOffset : -1;
    return Promise.resolve({ errorCode, endOffset });
  }

  /** One bit of what the log's file has at that part of it, while nobody looks; false when there is nothing. */
  rot(fraction: number): boolean {
    const size = this.disk.files.get(LOG_FILE)?.sizeBytes ?? 0;
    if (size === 0) return false;
    this.disk.corrupt(LOG_FILE, Math.min(size - 1, Math.floor(size * fraction)), 0x10);
    return true;
  }

  /** What it tells the controller of its log (KIP-966). */
  logInfo(): Promise<ReadonlyMap<string, ReplicaLogInfo>> | undefined {
    const info = this.#life?.logInfo();
    return this.#life && Promise.resolve(new Map(info && [[forsakenKey(TOPIC_ID, 0), info]]));
  }

  metadataGrew(): void {
    this.#life?.followMetadata();
  }

  describe(): string {
    const { log, replica } = this;
    if (log === undefined || replica === undefined) return `${this.nodeId} down`;
    const { assignment, leadership } = replica;
    return `${this.nodeId} ${this.state} e${assignment?.leaderEpoch}/${assignment?.partitionEpoch} leo ${log.logEndOffset} fl ${log.flushedOffset} hw ${log.highWatermark}${
      leadership === undefined
        ? ''
        : ` isr ${leadership.isr.committed.join()} max ${leadership.isr.maximal.join()}`
    }`;
  }
}

interface Birth {
  readonly lives: number;
  readonly wasClean: boolean;
  readonly wasPowerLoss: boolean;
  readonly cleanEpoch: number;
}

class Life {
  readonly replica: PartitionReplica;
  readonly actor: ActorRefFrom<typeof partitionReplicaMachine>;
  readonly volume;
  brokerEpoch = -1;
  readonly #owner: SimBroker;
  readonly #cluster: SmallCluster;
  readonly #image = new MetadataImage();
  readonly #proposals: IsrProposals;
  readonly #offline: OfflineReplicas;
  #damagedEnd: LogEnd | undefined;
  #metadataAt = 0;
  #isFollowing = false;
  #fetcher: LeaderFetcher | undefined;
  #isOver = false;
  readonly #birth: Birth;

  constructor(
    owner: SimBroker,
    cluster: SmallCluster,
    config: LogConfig,
    mutant: ReplicationMutant | undefined,
    birth: Birth,
  ) {
    this.#owner = owner;
    this.#cluster = cluster;
    this.#birth = birth;
    this.volume = owner.disk.mount();
    const { clock, network } = cluster;
    const id = owner.nodeId;
    this.#proposals = new IsrProposals({
      nodeId: id,
      brokerEpoch: () => this.brokerEpoch,
      clock,
      logger: silentLogger,
      send: (request) => network.ask(id, 0, () => cluster.alterPartition(request)),
    });
    this.#offline = new OfflineReplicas({
      nodeId: id,
      brokerEpoch: () => this.brokerEpoch,
      directory: () => `${id}` as Uuid,
      door: {
        ask: (_, request) =>
          network.ask(id, 0, () => cluster.assignReplicas(request as never)) as never,
      },
      image: this.#image,
      clock,
      logger: silentLogger,
    });
    this.replica = new PartitionReplica({
      topic: TOPIC,
      partition: 0,
      nodeId: id,
      settings: { minInsyncReplicas: cluster.minInsyncReplicas },
      onReadFailed: () => {},
      cluster: {
        clock,
        broker: (node) => {
          const broker = this.#image.brokers.get(node);
          return broker === undefined
            ? undefined
            : {
                brokerEpoch: broker.brokerEpoch,
                isFenced: broker.fenced,
                isShuttingDown: broker.inControlledShutdown === true,
                rack: null,
              };
        },
        lagTimeMaxMs: () => LAG_TIME_MAX_MS,
        proposeIsr: (proposal, answered) => this.#proposals.propose(proposal, answered),
        mutant,
      },
    });
    const machine = partitionReplicaMachine.provide({
      actors: {
        openLog: fromPromise(async () => {
          const log = await PartitionLog.open({
            topic: TOPIC,
            partition: 0,
            topicId: TOPIC_ID,
            config,
            volume: this.volume,
            clock,
            random: cluster.random,
            logger: silentLogger,
            crc32c: crc32cJs,
            compression: { compress: (_, bytes) => bytes, decompress: (_, bytes) => bytes },
            cleanShutdown: birth.wasClean,
            powerLoss: birth.wasPowerLoss,
          }).catch((error: unknown) => {
            if (isDamage(error)) this.#damagedEnd = (error as LogCorruptError).end;
            throw error;
          });
          log.onFailed = (error) => {
            if (this.#isOver) return;
            const isDamaged = isDamage(error);
            this.actor.send({ type: 'log.failed', reason: error.message, isDamaged });
          };
          this.replica.attach(log);
        }),
        setLogAside: fromPromise(async ({ input }) => {
          await this.replica.log?.close({ clean: false });
          this.replica.detach();
          await setLogAside(this.volume, KEY, input.reason ?? '', () => Promise.resolve());
          cluster.trace(`${id} begins anew`);
        }),
        truncateLog: fromPromise(({ input }) => this.replica.truncate(input.truncation)),
      },
      actions: {
        lead: (_, { assignment }) => this.replica.lead(assignment!),
        follow: (_, { assignment }) => this.replica.follow(assignment!),
        startFetching: (_, { assignment }) => this.#startFetching(assignment!),
        stopFetching: () => this.#stopFetching(),
        goOffline: (_, { reason }) => {
          this.replica.goOffline(reason ?? '');
          cluster.trace(`${id} offline: ${reason}`);
          this.#offline.watch(KEY, this.replica);
        },
      },
    });
    this.actor = createActor(machine, {
      input: { key: KEY, nodeId: id, assignment: null },
      clock,
    });
    this.actor.start();
    this.followMetadata();
    void this.#run();
  }

  get cleanEpochBefore(): number {
    return this.#birth.cleanEpoch;
  }

  logInfo(): ReplicaLogInfo | undefined {
    const { isDamaged } = this.actor.getSnapshot().context;
    const damagedEnd = this.#damagedEnd;
    const info = logInfoOf(this.replica, { isDamaged, damagedEnd });
    return info && { ...info, nodeId: this.#owner.nodeId, brokerEpoch: this.brokerEpoch };
  }

  end(): void {
    this.#isOver = true;
    this.#offline.stop();
    this.#stopFetching();
    this.#proposals.stop();
    this.replica.retire(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    this.actor.stop();
  }

  /** Registers, then beats; and looks after the ISR. */
  async #run(): Promise<void> {
    const { clock, network } = this.#cluster;
    const id = this.#owner.nodeId;
    const life = this.#birth.lives;
    while (!this.#isOver) {
      if (this.brokerEpoch < 0) {
        this.brokerEpoch = await network
          .ask(id, 0, () => this.#cluster.register(id, life, this.#birth.cleanEpoch))
          .catch(() => -1);
        if (this.brokerEpoch >= 0) this.#takeRole();
      } else void this.#beat();
      this.replica.shrinkIsr();
      await clock.sleep(HEARTBEAT_MS);
    }
  }

  async #beat(): Promise<void> {
    const id = this.#owner.nodeId;
    const { brokerEpoch } = this;
    const request = {
      nodeId: id,
      brokerEpoch,
      currentMetadataOffset: this.#metadataAt,
      // Not before the log is open.
      wantFence: this.replica.role === 'loading' && this.replica.log === undefined,
      wantShutDown: false,
    };
    const errorCode = await this.#cluster.network
      .ask(id, 0, () => this.#cluster.heartbeat(request))
      .catch(() => ErrorCode.NONE);
    // A registration of an earlier life came late, and took our place.
    if (errorCode === ErrorCode.STALE_BROKER_EPOCH && this.brokerEpoch === brokerEpoch) {
      this.brokerEpoch = -1;
    }
  }

  /** In order, a moment after it was committed; what is there, at once. A broker that is cut off hears nothing. */
  followMetadata(): void {
    const { batches } = this.#cluster.metadata;
    if (this.#isFollowing || this.#isOver || this.#metadataAt === batches.length) return;
    this.#isFollowing = true;
    const goOn = (): void => {
      this.#isFollowing = false;
      this.followMetadata();
    };
    this.#cluster.network
      .ask(this.#owner.nodeId, 0, () => Promise.resolve(batches.slice(this.#metadataAt)))
      .then((news) => {
        if (this.#isOver) return;
        for (const batch of news) {
          this.#metadataAt++;
          this.#image.apply(batch);
          this.#takeRole();
        }
        goOn();
      }, goOn);
  }

  /**
   * What the metadata log says of times before this life's registration is about a broker that had more than this one may
   * have: it must not lead by it.
   */
  #takeRole(): void {
    const own = this.#image.brokers.get(this.#owner.nodeId);
    const assignment = this.#image.partition(TOPIC, 0);
    if (assignment === undefined || this.brokerEpoch < 0) return;
    if (own?.brokerEpoch !== this.brokerEpoch) return;
    this.actor.send({ type: 'leadership.assigned', assignment });
  }

  #startFetching(assignment: PartitionAssignment): void {
    this.#stopFetching();
    const { leader } = assignment;
    if (leader < 0) return;
    const { clock, network } = this.#cluster;
    const id = this.#owner.nodeId;
    const server = (): SimBroker => this.#cluster.brokers[leader - 1]!;
    this.#fetcher = new LeaderFetcher({
      nodeId: id,
      leader,
      brokerEpoch: () => this.brokerEpoch,
      clock,
      logger: silentLogger,
      config: () => FETCHER,
      onDiverged: (_, epoch, truncation) =>
        this.actor.send({ type: 'divergence.found', leaderEpoch: epoch, truncation }),
      link: {
        fetch: (request) => network.ask(id, leader, () => server().serveFetch(request)),
        offsetsForLeaderEpoch: async (request) => {
          const asked = request.topics[0]!.partitions[0]!;
          const { errorCode, endOffset } = await network.ask(id, leader, () =>
            server().endOfEpoch(asked.currentLeaderEpoch ?? -1, asked.leaderEpoch),
          );
          const partition = { partition: 0, errorCode, endOffset, leaderEpoch: asked.leaderEpoch };
          return { throttleTimeMs: 0, topics: [{ topic: TOPIC, partitions: [partition] }] };
        },
      },
    });
    this.#fetcher.add(KEY, this.replica, assignment.leaderEpoch);
  }

  #stopFetching(): void {
    this.#fetcher?.stop();
    this.#fetcher = undefined;
  }

  async serveFetch(request: FetchInput): Promise<FetchResponse> {
    const asked = request.topics[0]?.partitions[0];
    const answer = (partitions: readonly PartitionAnswer[]): FetchResponse => ({
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      sessionId: 0,
      responses: partitions.length === 0 ? [] : [{ topic: TOPIC, topicId: TOPIC_ID, partitions }],
      nodeEndpoints: [],
    });
    if (asked === undefined) return answer([]);
    const { replicaState } = request;
    const readRequest = (isRepeat: boolean): ReadRequest => ({
      fetchOffset: offset(asked.fetchOffset),
      currentLeaderEpoch: asked.currentLeaderEpoch ?? -1,
      lastFetchedEpoch: asked.lastFetchedEpoch ?? -1,
      maxBytes: asked.partitionMaxBytes,
      atLeastOneBatch: true,
      isolation: 'readUncommitted',
      replica: {
        nodeId: nodeId(replicaState!.replicaId ?? -1),
        brokerEpoch: replicaState!.replicaEpoch ?? -1,
        logStartOffset: offset(asked.logStartOffset ?? 0),
        isRepeat,
      },
    });
    const first = await this.replica.read(readRequest(false));
    const isDone =
      first.errorCode !== ErrorCode.NONE || first.sizeBytes > 0 || first.divergingEpoch;
    if (isDone || this.#isOver) return answer([answerOf(first)]);
    await this.#untilMore(request.maxWaitMs);
    return answer([answerOf(await this.replica.read(readRequest(true)))]);
  }

  #untilMore(maxWaitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const { clock } = this.#cluster;
      const done = (): void => {
        clock.clearTimeout(timer);
        this.replica.unwatch(done);
        resolve();
      };
      const timer = clock.setTimeout(done, maxWaitMs);
      this.replica.watch(done, { ofAppends: true });
    });
  }
}

const joined = (chunks: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(chunks.reduce((size, it) => size + it.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
};

const answerOf = (
  read: PartitionRead,
): Body<typeof fetchResponse>['responses'][number]['partitions'][number] => ({
  partitionIndex: 0,
  errorCode: read.errorCode,
  highWatermark: read.highWatermark,
  lastStableOffset: read.lastStableOffset,
  logStartOffset: read.logStartOffset,
  divergingEpoch: read.divergingEpoch ?? { epoch: -1, endOffset: -1 },
  currentLeader: { leaderId: -1, leaderEpoch: leaderEpoch(-1) },
  snapshotId: { endOffset: -1, epoch: -1 },
  abortedTransactions: null,
  preferredReadReplica: -1,
  records: joined(read.records),
});
