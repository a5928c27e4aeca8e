/**
 * A broker: its parts put together and its life driven by broker.machine.ts. The host hands in ports (clock, chance, storage),
 * opens listeners, and gives each accepted connection to `accept`; everything else is decided here.
 *
 *   const broker = new Broker(options)
 *   await broker.recover()                    // starting -> recovering -> awaitingListeners
 *   ...open listeners...
 *   await broker.open(addresses)              // registering -> running
 *   await broker.stop()                       // controlledShutdown -> stopped
 */
import type { GroupCoordinator } from '@odradek/coordinator';
import { LogResources, PartitionLog, type LogOptions } from '@odradek/log';
import { observerOfLog, type Clock, type Connection, type Logger } from '@odradek/ports';
import { ZERO_UUID, nodeId, type NodeId } from '@odradek/protocol';
import { QuorumMember } from '@odradek/quorum';
import { createActor, fromPromise, waitFor, type ActorRefFrom } from 'xstate';
import { machineHasRestarted, rememberBoot } from './boot-file.ts';
import { BrokerFailure, type BrokerOptions } from './broker-options.ts';
import { assembleParts } from './broker-parts.ts';
import { brokerMachine } from './broker.machine.ts';
import { markCleanShutdown, takeCleanShutdown } from './clean-shutdown.ts';
import { Cluster, voterIds } from './cluster/cluster.ts';
import { mayJoinByItself } from './cluster/voter-changes.ts';
import { parseVoters, type Voter } from './config/voters.ts';
import { Connections } from './connection/connections.ts';
import { handlers } from './handlers/index.ts';
import { housekeeping, type Housekeeping } from './housekeeping.ts';
import {
  adoptCluster,
  establishIdentity,
  newClusterId,
  randomUuid,
  type Identity,
} from './identity-file.ts';
import { metadataLogConfig } from './log-config.ts';
import { METADATA_TOPIC, MetadataImage } from './metadata/image.ts';
import { MetadataChanges } from './metadata/metadata-changes.ts';
import type { ListenerAddress } from './metadata/nodes.ts';
import { brokerMetrics } from './metrics/broker-metrics.ts';
import { RequestMetrics } from './metrics/request-metrics.ts';
import type { MetricFamily } from './metrics/types.ts';
import type { LogToOpen, ReplicaManager } from './replica-manager.ts';
import type { BrokerServices } from './services.ts';
import { Settings } from './settings.ts';
import { Unpacking } from './unpacking.ts';

/** How long a stopping broker lets its groups finish what they have begun before it closes them. */
const GROUP_ANSWERS_GRACE_MS = 500;
const FORMAT_CHECK_INTERVAL_MS = 20;

export class Broker {
  readonly nodeId: NodeId;
  readonly image = new MetadataImage();
  readonly settings: Settings;
  readonly #options: BrokerOptions;
  readonly #logger: Logger;
  readonly #actor: ActorRefFrom<typeof brokerMachine>;
  readonly #requestMetrics = new RequestMetrics();
  readonly #logResources: LogResources;
  readonly #unpacking: Unpacking;
  readonly #early: { connection: Connection; listenerName: string }[] = [];
  #identity: Identity | undefined;
  /** Of the life before, when that ended orderly. */
  #lastBrokerEpoch: number | undefined = -1;
  readonly #cluster: Cluster | undefined;
  #hasMachineRestarted: boolean | undefined;
  #metadataLog: PartitionLog | undefined;
  #quorum: QuorumMember | undefined;
  #replicas: ReplicaManager | undefined;
  #groups: GroupCoordinator | undefined;
  #services: BrokerServices | undefined;
  #connections: Connections | undefined;
  #housekeeping: Housekeeping | undefined;
  readonly #changes: MetadataChanges;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.settings = new Settings(options.entries, this.image);
    this.nodeId = nodeId(this.settings.broker['node.id']);
    this.#logger = options.logger;
    this.#unpacking = new Unpacking(options.compression);
    this.#logResources = new LogResources({ clock: options.clock, traits: options.volume.traits });
    this.#cluster = this.#makeCluster();
    this.#changes = new MetadataChanges({
      nodeId: this.nodeId,
      image: this.image,
      settings: this.settings,
      cluster: this.#cluster,
      observer: options.probe?.observer,
    });
    this.#actor = createActor(this.#machine(), {
      input: { nodeId: this.nodeId },
      clock: options.clock,
    });
  }

  /**
   * Resolves when every log is open; a member of a cluster says where its listeners are, which are open already. Rejects with what made the start impossible. */
  async recover(listeners: readonly ListenerAddress[] = []): Promise<void> {
    this.#listeners = listeners;
    this.#actor.start();
    await this.#reaches('awaitingListeners');
  }

  /** The listeners are open at these addresses, as clients are to be told. Resolves when the broker is registered and runs. */
  async open(listeners: readonly ListenerAddress[]): Promise<void> {
    this.#actor.send({ type: 'listeners.opened', listeners });
    await this.#reaches('running');
  }

  /** Takes over a connection. One that comes before the broker runs waits for it; one that comes when it stops is closed. */
  accept(connection: Connection, listenerName: string): void {
    if (this.isReady) this.#connections!.accept(connection, listenerName);
    else if (this.#actor.getSnapshot().hasTag('isEnding')) connection.destroy();
    else if (this.#early.length < this.settings.broker['max.connections']) {
      this.#early.push({ connection, listenerName });
    } else connection.destroy();
  }

  /** Another member of the cluster has dialled. One that is alone has no peers. */
  acceptPeer(connection: Connection): void {
    if (this.#cluster === undefined || this.#identity === undefined) connection.destroy();
    else this.#cluster.accept(connection);
  }

  /** Whether it is configured as a member of a cluster: its listeners are then opened before it starts. */
  get isMember(): boolean {
    return this.#cluster !== undefined;
  }

  /** Drains connections, flushes and closes the logs, marks a clean stop. */
  async stop(): Promise<void> {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send({ type: 'stop.requested' });
    await this.stopped;
  }

  /** Resolves when the broker has stopped, rejects when it had to give up. */
  get stopped(): Promise<void> {
    return waitFor(this.#actor, (it) => it.hasTag('isOver')).then((state) => {
      if (state.matches('failed')) throw new BrokerFailure(state.context.failure ?? 'unknown');
    });
  }

  get isReady(): boolean {
    return this.#actor.getSnapshot().hasTag('isReady');
  }

  /** The machine's state, for people: "running". */
  get state(): string {
    return String(this.#actor.getSnapshot().value);
  }

  get clusterId(): string {
    return this.image.clusterId;
  }

  /** Why the broker is not ready, or partitions that cannot be served; empty when all is well. */
  problems(): readonly string[] {
    const problems: string[] = this.isReady ? [] : [`the broker is ${this.state}`];
    for (const { topic, partition } of this.#replicas?.offline() ?? []) {
      problems.push(`partition ${topic}-${partition} is offline`);
    }
    return problems;
  }

  metrics(): readonly MetricFamily[] {
    return brokerMetrics({
      requests: this.#requestMetrics,
      connections: this.#connections,
      replicas: this.#replicas,
      image: this.image,
      quorum: this.#quorum,
      fetchSessions: this.#services?.fetchSessions,
    });
  }

  #machine(): typeof brokerMachine {
    return brokerMachine.provide({
      actors: {
        joinQuorum: fromPromise(() => this.#starting(this.#joinQuorum())),
        recoverLogs: fromPromise(() => this.#starting(this.#recoverLogs())),
        register: fromPromise(({ input }) => this.#register(input.listeners)),
        shutDown: fromPromise(() => this.#shutDown()),
        abandon: fromPromise(() => this.#abandon()),
      },
      actions: {
        serve: () => this.#serve(),
        giveUp: (_, { reason }) => this.#giveUp(reason),
      },
    });
  }

  async #reaches(state: 'awaitingListeners' | 'running'): Promise<void> {
    const snapshot = await waitFor(this.#actor, (it) => it.matches(state) || it.hasTag('isOver'));
    if (snapshot.matches('failed')) {
      throw this.#startError ?? new BrokerFailure(snapshot.context.failure ?? 'unknown');
    }
    if (!snapshot.matches(state))
      throw new BrokerFailure('the broker was stopped while it started');
  }

  /** Kept beside the machine: its context holds the words only, the host wants the error's class. */
  #startError: unknown;

  async #starting(step: Promise<void>): Promise<void> {
    try {
      await step;
    } catch (error) {
      this.#startError ??= error;
      throw error;
    }
  }

  async #joinQuorum(): Promise<void> {
    const { volume, clock, random, crc32c } = this.#options;
    const cluster = this.#cluster;
    this.#identity = await establishIdentity(volume, this.nodeId, random, cluster === undefined);
    this.#lastBrokerEpoch = await takeCleanShutdown(volume);
    this.#hasMachineRestarted = await machineHasRestarted(volume, this.#options.bootId);
    const log = await this.#openLog({
      topic: METADATA_TOPIC,
      partition: 0,
      topicId: ZERO_UUID,
      files: await volume.list(`${METADATA_TOPIC}-0/`),
    });
    this.#metadataLog = log;
    const quorum = await QuorumMember.start({
      nodeId: this.nodeId,
      voters: cluster === undefined ? [this.nodeId] : voterIds(this.#voters()),
      ...(cluster === undefined
        ? {}
        : {
            peers: cluster.quorumPeers,
            clusterId: () => this.#identity!.clusterId,
            electionTimeoutMs: this.settings.broker['controller.quorum.election.timeout.ms'],
            fetchTimeoutMs: this.settings.broker['controller.quorum.fetch.timeout.ms'],
            mayJoin: (id: NodeId) =>
              this.#quorum === undefined || mayJoinByItself(this.#quorum, id),
          }),
      incarnation: this.#identity.directoryId,
      volume,
      log,
      clock,
      random,
      logger: this.#logger.child({ part: 'quorum' }),
      crc32c,
      probe: this.#options.probe,
    });
    this.#quorum = quorum;
    quorum.subscribe(({ failure }) => {
      if (failure !== null && this.#actor.getSnapshot().status === 'active')
        this.#actor.send({ type: 'metadata.failed', reason: failure.message });
    });
    this.#assemble(quorum);
    this.#changes.follow(quorum);
    if (cluster === undefined)
      await this.#services!.controller.formatCluster(
        this.#identity.clusterId ?? newClusterId(random),
      );
    else {
      cluster.attach(quorum, this.#services!.controller);
      await this.#untilMember(quorum, cluster);
    }
    if (this.#identity.clusterId === null) {
      this.#identity = await adoptCluster(volume, this.#identity, this.image.clusterId);
    }
    if (this.image.clusterId !== this.#identity.clusterId) {
      throw new BrokerFailure(
        `the metadata in ${volume.traits.location} belongs to cluster ${this.image.clusterId}, and meta.properties says ${this.#identity.clusterId}: the folder was put together from two`,
      );
    }
  }

  /** Or only a controller of others. */
  get #isBroker(): boolean {
    return this.settings.broker['process.roles'].includes('broker');
  }

  #voters(): readonly Voter[] {
    const voters = parseVoters(this.settings.broker['controller.quorum.voters']);
    // The host has refused what cannot be read.
    return typeof voters === 'string' ? [] : voters;
  }

  #makeCluster(): Cluster | undefined {
    const { clock, random, dialPeer } = this.#options;
    const voters = this.#voters();
    const isAlone =
      this.#isBroker && voters.length < 2 && voters.every(({ id }) => id === this.nodeId);
    if (isAlone) return undefined;
    if (dialPeer === undefined)
      throw new BrokerFailure('a broker with other voters needs a way to dial them');
    return new Cluster({
      nodeId: this.nodeId,
      voters,
      dial: dialPeer,
      clock,
      random,
      logger: this.#logger,
      image: this.image,
      settings: this.settings,
      handlers,
      identity: () => this.#identity!,
      processId: randomUuid(random),
      services: () => this.#services,
      replicas: () => this.#replicas,
      probe: this.#options.probe,
    });
  }

  /** A leader is known and its log is read, and the first controller of the cluster has given it its id. */
  async #untilMember(quorum: QuorumMember, cluster: Cluster): Promise<void> {
    const { clock } = this.#options;
    let isReady = false;
    // It ends with the member, of which a failed start takes leave.
    quorum.ready().then(
      () => (isReady = true),
      () => {},
    );
    while (!isReady || this.image.clusterId === '') {
      if (this.#actor.getSnapshot().hasTag('isEnding'))
        throw new BrokerFailure('the broker was stopped while it waited for its cluster');
      if (cluster.refusal !== undefined) throw new BrokerFailure(cluster.refusal);
      await new Promise<void>((resolve) => clock.setTimeout(resolve, FORMAT_CHECK_INTERVAL_MS));
    }
  }

  #assemble(quorum: QuorumMember): void {
    const { clock } = this.#options;
    const { replicas, groups, services } = assembleParts({
      options: this.#options,
      nodeId: this.nodeId,
      isBroker: this.#isBroker,
      image: this.image,
      settings: this.settings,
      quorum,
      cluster: this.#cluster,
      unpacking: this.#unpacking,
      openLog: (log) => this.#openLog(log),
      listeners: () => this.#listeners,
    });
    this.#replicas = replicas;
    this.#groups = groups;
    this.#services = services;
    this.#connections = new Connections({
      broker: services,
      metrics: this.#requestMetrics,
      clock,
      logger: this.#logger,
    });
  }

  async #recoverLogs(): Promise<void> {
    if (this.#cluster !== undefined && this.#isBroker) {
      await this.#cluster.register({
        listeners: this.#listeners,
        previousBrokerEpoch: this.#lastBrokerEpoch ?? -1,
      });
    }
    await this.#replicas!.recover();
    this.#isBootRemembered = rememberBoot(this.#options.volume, this.#options.bootId);
    // Awaited when the broker registers: listeners are opened meanwhile.
    this.#isBootRemembered.catch(() => {});
    this.#changes.reach(this.#replicas!, this.#groups!);
    this.#replicas!.refresh();
  }

  #isBootRemembered: Promise<void> | undefined;
  /** Of a member of a cluster, which registers before it recovers. */
  #listeners: readonly ListenerAddress[] = [];

  async #register(listeners: readonly ListenerAddress[]): Promise<void> {
    if (this.#cluster !== undefined) {
      await this.#isBootRemembered;
      if (this.#isBroker) await this.#cluster.serve();
      return;
    }
    await this.#services!.controller.registerBroker({
      nodeId: this.nodeId,
      incarnation: this.#identity!.directoryId,
      listeners,
      rack: this.settings.broker['broker.rack'],
      wasCleanShutdown: this.#lastBrokerEpoch !== undefined,
    });
    await this.#isBootRemembered;
  }

  #serve(): void {
    const { clock } = this.#options;
    this.#housekeeping = housekeeping({
      clock,
      logger: this.#logger,
      settings: this.settings,
      replicas: this.#replicas!,
      connections: this.#connections!,
    });
    // Not within the machine's step, in which no other machine should be started.
    void Promise.resolve().then(() => {
      for (const { connection, listenerName } of this.#early.splice(0)) {
        this.accept(connection, listenerName);
      }
    });
  }

  async #shutDown(): Promise<void> {
    const { volume, clock } = this.#options;
    this.#refuseEarly();
    if (this.#cluster !== undefined) await this.#cluster.leave();
    const drained = this.#connections?.drain() ?? Promise.resolve();
    // Commits under way are answered; then those who wait for their group's rebalance are told that it goes elsewhere.
    await within(drained, GROUP_ANSWERS_GRACE_MS, clock);
    this.#groups?.close();
    await drained;
    // A compaction gives up when its log is closed: it is not waited for before.
    const isQuiet = this.#housekeeping?.stop();
    if (this.#cluster !== undefined) await this.#cluster.stop();
    const closed = (await this.#replicas?.close({ clean: true })) ?? { isClean: false };
    await isQuiet;
    await this.#quorum?.close();
    this.#cluster?.close();
    await this.#metadataLog?.close({ clean: true });
    this.#logResources.close();
    if (closed.isClean) {
      await markCleanShutdown(volume, this.#ownEpoch());
    }
  }

  /** One that was stopped before it registered leaves what the life before had left. */
  #ownEpoch(): number {
    const known = this.image.brokers.get(this.nodeId)?.brokerEpoch ?? 0;
    if (this.#cluster === undefined) return known;
    return this.#cluster.brokerEpoch >= 0
      ? this.#cluster.brokerEpoch
      : (this.#lastBrokerEpoch ?? -1);
  }

  #giveUp(reason: string): void {
    this.#logger.error(`the broker gives up: ${reason}`);
    this.#connections?.cutAll('the broker has failed');
    this.#refuseEarly();
  }

  /** Whatever a start or a shutdown left open; a part that fails does not keep the others. */
  async #abandon(): Promise<void> {
    const isQuiet = this.#housekeeping?.stop();
    this.#groups?.close();
    const parts = [
      () => this.#cluster?.stop(),
      () => this.#replicas?.close({ clean: false }),
      () => isQuiet,
      () => this.#quorum?.close(),
      () => this.#cluster?.close(),
      () => this.#metadataLog?.close({ clean: false }),
      () => this.#logResources.close(),
    ];
    for (const part of parts) {
      try {
        await part();
      } catch (error) {
        this.#logger.debug('a part of a failed broker could not be closed', { error });
      }
    }
  }

  #refuseEarly(): void {
    for (const { connection } of this.#early.splice(0)) connection.destroy();
  }

  #probeOf({ topic, partition }: LogToOpen): Pick<LogOptions, 'mutants' | 'observer'> {
    const { mutants, observer } = this.#options.probe ?? {};
    const { nodeId: own } = this;
    return {
      ...(mutants && { mutants }),
      ...(observer && { observer: observerOfLog(observer, { nodeId: own, topic, partition }) }),
    };
  }

  #openLog(log: LogToOpen): Promise<PartitionLog> {
    const { volume, clock, random, crc32c } = this.#options;
    const config = this.settings.logConfig(log.topic);
    return PartitionLog.open({
      ...log,
      config: log.topic === METADATA_TOPIC ? metadataLogConfig(config) : config,
      volume,
      clock,
      random,
      crc32c,
      compression: this.#unpacking,
      logger: this.#logger,
      cleanShutdown: this.#lastBrokerEpoch !== undefined,
      powerLoss: this.#hasMachineRestarted,
      resources: this.#logResources,
      producerIdExpirationMs: this.settings.broker['producer.id.expiration.ms'],
      ...this.#probeOf(log),
    });
  }
}

/** Resolves with the promise, or when the time is up. */
const within = (promise: Promise<unknown>, timeMs: number, clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    const timer = clock.setTimeout(resolve, timeMs);
    const end = (): void => {
      clock.clearTimeout(timer);
      resolve();
    };
    promise.then(end, end);
  });
