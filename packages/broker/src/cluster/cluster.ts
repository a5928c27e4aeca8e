/**
 * A broker's life among others: the links to them, the controller's part when the quorum's leader is here, and this broker's
 * membership. A broker that is configured alone has none of this.
 */
import type { Clock, Connection, Dial, Endpoint, Logger, Probe, Random } from '@odradek/ports';
import {
  decode,
  encode,
  nodeId,
  type Body,
  type Input,
  type Message,
  type NodeId,
  type Uuid,
} from '@odradek/protocol';
import type { QuorumMember, QuorumPeers } from '@odradek/quorum';
import { replicationMutantOf } from '@odradek/replication';
import type { Voter } from '../config/voters.ts';
import {
  ClusterController,
  type ClusterControllerOptions,
} from '../controller/cluster-controller.ts';
import type { Controller } from '../controller/controller.ts';
import type { LeaderDoor } from '../coordination/leader-door.ts';
import type { Handler } from '../handlers/handler.ts';
import { newClusterId, type Identity } from '../identity-file.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { AnswerPeer, PeerApi } from '../peers/peer-channel.ts';
import { Peers } from '../peers/peers.ts';
import { quorumPeers } from '../peers/quorum-peers.ts';
import { periodically, type Repetition } from '../periodically.ts';
import type { ReplicaManager } from '../replica-manager.ts';
import type { BrokerServices } from '../services.ts';
import type { Settings } from '../settings.ts';
import { ActiveController } from './active-controller.ts';
import { answerPeers } from './answer-peer.ts';
import { ControllerDesk } from './controller-desk.ts';
import { ControllerDoor } from './controller-door.ts';
import { forwarding, type Forwarding } from './forwarding.ts';
import { Membership, RegistrationError } from './membership.ts';
import { askLogInfo } from './replica-log-info.ts';
import { PEER_LISTENER } from './peer-listener.ts';
import { Replication } from './replication.ts';
import { RoutedController } from './routed-controller.ts';

/** A member that was moved may answer under an old address for a moment. */
const REFUSAL_FINAL_MS = 2_000;

/** How often the image is looked at for this broker's own registration. */
const REGISTRATION_CHECK_MS = 5;

export interface ClusterOptions {
  readonly nodeId: NodeId;
  readonly voters: readonly Voter[];
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly image: MetadataImage;
  readonly settings: Settings;
  readonly handlers: readonly Handler[];
  readonly identity: () => Identity;
  /** Of this process. */
  readonly processId: Uuid;
  readonly services: () => BrokerServices | undefined;
  readonly replicas: () => ReplicaManager | undefined;
  /** For simulations alone. */
  readonly probe?: Probe | undefined;
}

export class Cluster {
  readonly quorumPeers: QuorumPeers;
  readonly routedController: RoutedController;
  readonly forwarding: Forwarding;
  readonly replication: Replication;
  readonly #options: ClusterOptions;
  readonly #peers: Peers;
  readonly #door: ControllerDoor;
  readonly #answer: AnswerPeer;
  #quorum: QuorumMember | undefined;
  #desk: ControllerDesk | undefined;
  #active: ActiveController | undefined;
  #membership: Membership | undefined;
  #balancing: Repetition | undefined;
  #isStopped = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { clock, random, logger, image, settings, dial } = options;
    this.#answer = answerPeers({
      quorum: () => this.#quorum,
      desk: () => this.#desk,
      services: options.services,
      handlers: new Map(options.handlers.map((it) => [it.key, it])),
      listenerName: PEER_LISTENER,
      brokerEpoch: () => this.brokerEpoch,
    });
    this.#peers = new Peers({
      self: () => this.#self(),
      dial,
      address: (id) => this.#addressOf(id),
      answer: this.#answer,
      onLost: (id) => this.#active?.linkLost(id),
      clock,
      random,
      logger: logger.child({ part: 'peers' }),
    });
    this.quorumPeers = quorumPeers(this.#peers);
    this.#door = new ControllerDoor({
      nodeId: options.nodeId,
      leaderId: () => this.#quorum?.snapshot.leaderId ?? null,
      peers: this.#peers,
      clock,
      answerHere: (api, body) => this.#askHere(api, body),
    });
    const brokerEpoch = (): number => this.#membership?.brokerEpoch ?? -1;
    this.routedController = new RoutedController(this.#door, options.nodeId, brokerEpoch);
    this.forwarding = forwarding(this.#door, () => this.#active?.isActive === true);
    this.replication = new Replication({
      nodeId: options.nodeId,
      brokerEpoch,
      directory: () => options.identity().directoryId,
      peers: this.#peers,
      door: this.#door,
      image,
      settings,
      clock,
      logger: logger.child({ part: 'replication' }),
      onDiverged: (key, epoch, truncation) => options.replicas()?.diverged(key, epoch, truncation),
      replicas: () => options.replicas()?.all() ?? [],
      probe: options.probe,
    });
  }

  /** Another member has dialled. */
  accept(connection: Connection): void {
    this.#peers.accept(connection);
  }

  /** The member takes part from now on: the others may ask it. */
  attach(quorum: QuorumMember, controller: Controller): void {
    const { image, settings, clock, logger, random } = this.#options;
    this.#quorum = quorum;
    const { nodeId: own, probe } = this.#options;
    const cluster = clusterController(quorum, image, settings, clock, probe, (node, partitions) =>
      askLogInfo(
        (to, api, request, timeoutMs) =>
          to === own ? this.#askHere(api, request) : this.#peers.ask(to, api, request, timeoutMs),
        own,
        node,
        partitions,
      ),
    );
    this.#desk = new ControllerDesk({
      isActive: () => this.#active?.isActive === true,
      clusterId: () => image.clusterId,
      cluster,
      controller,
    });
    this.#active = new ActiveController({
      quorum,
      image,
      controller: cluster,
      clock,
      logger,
      formatCluster: () => controller.formatCluster(newClusterId(random)),
      unreachable: () => this.#peers.unreachable(),
    });
    this.#balancing = periodically(
      'the balance of leaders',
      () => settings.broker['leader.imbalance.check.interval.seconds'] * 1000,
      clock,
      logger,
      () => this.#balanceLeaders(),
    );
  }

  async #balanceLeaders(): Promise<void> {
    const { settings, logger } = this.#options;
    const { controller } = this;
    if (controller === undefined || !settings.broker['auto.leader.rebalance.enable']) return;
    const percentage = settings.broker['leader.imbalance.per.broker.percentage'];
    const result = await controller.balanceLeaders(percentage);
    if (!result.ok) throw new Error(result.message ?? `code ${result.errorCode}`);
    if (result.value > 0) {
      logger.info('leaderships went back to the replicas that are named first', {
        partitions: result.value,
      });
    }
  }

  /** To the quorum's leader, wherever it is. */
  get leaderDoor(): LeaderDoor {
    return this.#door;
  }

  get controller(): ClusterController | undefined {
    return this.#active?.isActive === true ? this.#desk?.cluster : undefined;
  }

  /** What the controller has to do about them: elections that were not allowed before, replicas that may lead again. */
  topicConfigsChanged(topics: ReadonlySet<string>): void {
    const { controller } = this;
    if (controller === undefined || topics.size === 0) return;
    const { settings, image, logger } = this.#options;
    const failed = (error: unknown): void =>
      logger.error('what follows from a topic’s configuration could not be done', { error });
    let mayElectUncleanly = false;
    for (const topic of topics) {
      if (!image.topics.has(topic)) continue;
      controller.minInsyncReplicasChanged(topic).catch(failed);
      mayElectUncleanly ||= settings.topic(topic)['unclean.leader.election.enable'];
    }
    if (mayElectUncleanly) controller.electUncleanly().catch(failed);
  }

  /**
   * Resolves when it is registered and its own metadata says so. No role is played before: an older image may name this broker
   * for the leader of an epoch in which it has lost what it wrote.
   */
  async register(options: {
    readonly listeners: Parameters<Membership['register']>[0];
    readonly previousBrokerEpoch: number;
  }): Promise<void> {
    const { nodeId: own, image, settings, clock, logger, processId, identity } = this.#options;
    this.#membership = new Membership({
      nodeId: own,
      clusterId: () => image.clusterId,
      incarnation: identity().directoryId,
      processId,
      rack: settings.broker['broker.rack'],
      previousBrokerEpoch: options.previousBrokerEpoch,
      door: this.#door,
      clock,
      logger,
      heartbeatIntervalMs: () => settings.broker['broker.heartbeat.interval.ms'],
      metadataOffset: () => this.#quorum?.snapshot.appliedOffset ?? -1,
      sessionTimeoutMs: () => settings.broker['broker.session.timeout.ms'],
      holder: () =>
        image.brokers
          .get(own)
          ?.listeners.map(({ name, host, port }) => `${name} ${host}:${port}`)
          .join(', '),
      isCutOff: () => this.#isCutOff(),
    });
    await this.#membership.register(options.listeners);
    while (image.brokers.get(own)?.brokerEpoch !== this.#membership.brokerEpoch) {
      if (this.#isStopped) throw new RegistrationError('the broker was stopped while it started');
      await new Promise<void>((resolve) => clock.setTimeout(resolve, REGISTRATION_CHECK_MS));
    }
  }

  /** Resolves when clients may be sent here. */
  async serve(): Promise<void> {
    await this.#membership!.serve();
  }

  /** Why this broker cannot come into its cluster: so many voters refuse it, or are refused, that the others are no majority. */
  get refusal(): string | undefined {
    const voters = new Set(this.#options.voters.map((it) => it.id));
    const strangers = this.#peers.strangers(REFUSAL_FINAL_MS).filter((it) => voters.has(it.nodeId));
    return voters.size - strangers.length <= voters.size / 2 ? strangers[0]?.reason : undefined;
  }

  #isCutOff(): boolean {
    const voters = this.#quorum?.snapshot.voters ?? [];
    const unreachable = new Set(this.#peers.unreachable());
    const reached = voters.filter((it) => !unreachable.has(it));
    return reached.length <= voters.length / 2;
  }

  get brokerEpoch(): number {
    return this.#membership?.brokerEpoch ?? -1;
  }

  /** Before the broker stops: others take over what it leads. */
  async leave(): Promise<void> {
    await this.#membership?.leave();
  }

  /** Nothing is fetched, asked or answered any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#membership?.stop();
    void this.#balancing?.stop();
    this.#door.close();
    await this.replication.stop();
  }

  /** After the ensemble's member, which says goodbye over these links. */
  close(): void {
    this.#active?.stop();
    this.#peers.close();
  }

  #self() {
    const { clusterId, directoryId } = this.#options.identity();
    return { nodeId: this.#options.nodeId, clusterId, incarnation: directoryId };
  }

  /** A voter is where the configuration says, any other broker where it is registered, or where it was when it was made a voter. */
  #addressOf(id: NodeId): Endpoint | undefined {
    const voter = this.#options.voters.find((it) => it.id === id);
    if (voter !== undefined) return { host: voter.host, port: voter.port };
    const listeners = this.#options.image.brokers.get(id)?.listeners ?? [];
    const endpoints = this.#quorum?.voterSet.find((it) => it.id === id)?.endpoints ?? [];
    const found = [...listeners, ...endpoints].find((it) => it.name === PEER_LISTENER);
    return found && { host: found.host, port: found.port };
  }

  /** As if it had come over a link: the same code answers. */
  async #askHere<Request extends Message, Response extends Message>(
    { request, response, version }: PeerApi<Request, Response>,
    body: Input<Request>,
  ): Promise<Body<Response>> {
    const asked = {
      apiKey: request.info.key!,
      apiVersion: version,
      body: joined(encode(request, version, body as never)),
    };
    const answer = await this.#answer(this.#self(), asked);
    return decode(response, version, joined(answer)) as Body<Response>;
  }
}

export const clusterController = (
  quorum: QuorumMember,
  image: MetadataImage,
  settings: Settings,
  clock: Clock,
  probe?: Probe,
  askLogInfo?: ClusterControllerOptions['askLogInfo'],
): ClusterController =>
  new ClusterController({
    quorum,
    image,
    policy: {
      minInsyncReplicas: (topic) => settings.topic(topic)['min.insync.replicas'],
      isUncleanElectionEnabled: (topic) =>
        settings.topic(topic)['unclean.leader.election.enable'] ||
        probe?.mutants?.has('broker.uncleanElection') === true,
    },
    clock,
    heartbeatTimes: () => ({
      sessionTimeoutMs: settings.broker['broker.session.timeout.ms'],
      linkLossTimeoutMs: settings.broker['odradek.broker.link.loss.timeout.ms'],
    }),
    metadataOffset: () => quorum.snapshot.appliedOffset,
    ...(askLogInfo && { askLogInfo }),
    mutant: replicationMutantOf(probe),
  });

const joined = (chunks: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(chunks.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
};

export const voterIds = (voters: readonly Voter[]): readonly NodeId[] =>
  voters.map(({ id }) => nodeId(id));
