/**
 * What other members of the cluster may ask of this one: the ensemble's requests, fetches of replicas, the controller's desk, and
 * what their clients asked of the controller (Kafka's forwarding, KIP-590). Whoever asks has said who it is; a client cannot come
 * this way.
 */
import {
  ApiKey,
  decode,
  encode,
  fetchRequest,
  type Body,
  type Input,
  type Message,
} from '@odradek/protocol';
import type { QuorumMember } from '@odradek/quorum';
import { LEADER_KEYS } from '../coordination/coordination.ts';
import type { Handler, RequestContext } from '../handlers/handler.ts';
import type { Hello } from '../peers/hello.ts';
import type { AnswerPeer, PeerApi, PeerRequest } from '../peers/peer-channel.ts';
import { PeerError } from '../peers/peer-channel.ts';
import {
  BEGIN_QUORUM_EPOCH,
  END_QUORUM_EPOCH,
  FETCH_SNAPSHOT,
  QUORUM_FETCH,
  VOTE,
} from '../peers/quorum-peers.ts';
import type { BrokerServices } from '../services.ts';
import {
  ALLOCATE_PRODUCER_IDS,
  ALTER_PARTITION,
  ASSIGN_REPLICAS_TO_DIRS,
  BROKER_HEARTBEAT,
  BROKER_REGISTRATION,
  COMPLETE_DELETION,
  GET_REPLICA_LOG_INFO,
} from './controller-apis.ts';
import type { ControllerDesk } from './controller-desk.ts';
import { logInfoOf } from './replica-log-info.ts';
import { METADATA_TOPIC_ID } from '@odradek/quorum';

export interface AnsweringOptions {
  readonly quorum: () => QuorumMember | undefined;
  readonly desk: () => ControllerDesk | undefined;
  /** Undefined until the broker has its parts. */
  readonly services: () => BrokerServices | undefined;
  readonly handlers: ReadonlyMap<number, Handler>;
  readonly listenerName: string;
  /** -1 before this broker is registered. */
  readonly brokerEpoch: () => number;
}

type Answering = (from: Hello, request: PeerRequest) => Promise<readonly Uint8Array[]>;

const answering =
  <Request extends Message, Response extends Message>(
    { request, response, version }: PeerApi<Request, Response>,
    answer: (body: Body<Request>, from: Hello) => Promise<Input<Response>>,
  ): Answering =>
  async (from, { apiVersion, body }) => {
    if (apiVersion !== version)
      throw new PeerError(`${request.info.name} is asked in version ${version} between members`);
    const asked = decode(request, apiVersion, body) as Body<Request>;
    return encode(response, apiVersion, (await answer(asked, from)) as never);
  };

/** What clients ask of the controller, and other brokers bring. */
export const FORWARDED_KEYS: ReadonlySet<number> = new Set([
  ApiKey.CreateTopics,
  ApiKey.DeleteTopics,
  ApiKey.CreatePartitions,
  ApiKey.AlterConfigs,
  ApiKey.IncrementalAlterConfigs,
  ApiKey.ElectLeaders,
  ApiKey.AlterPartitionReassignments,
  ApiKey.ListPartitionReassignments,
  ApiKey.UnregisterBroker,
  ApiKey.DescribeQuorum,
  ApiKey.AddRaftVoter,
  ApiKey.RemoveRaftVoter,
]);

export const answerPeers = (options: AnsweringOptions): AnswerPeer => {
  const member = (): QuorumMember => present(options.quorum(), 'the ensemble');
  const desk = (): ControllerDesk => present(options.desk(), 'the controller');
  const services = (): BrokerServices => present(options.services(), 'the broker');
  const byKey = new Map<number, Answering>([
    [ApiKey.Vote, answering(VOTE, (body) => member().answerVote(body))],
    [
      ApiKey.BeginQuorumEpoch,
      answering(BEGIN_QUORUM_EPOCH, (body) => member().answerBeginQuorumEpoch(body)),
    ],
    [
      ApiKey.EndQuorumEpoch,
      answering(END_QUORUM_EPOCH, (body) => member().answerEndQuorumEpoch(body)),
    ],
    [ApiKey.FetchSnapshot, answering(FETCH_SNAPSHOT, (body) => member().answerFetchSnapshot(body))],
    [
      ApiKey.BrokerRegistration,
      answering(BROKER_REGISTRATION, (body, from) => desk().register(from.nodeId, body)),
    ],
    [
      ApiKey.BrokerHeartbeat,
      answering(BROKER_HEARTBEAT, (body, from) => desk().heartbeat(from.nodeId, body)),
    ],
    [
      ApiKey.AlterPartition,
      answering(ALTER_PARTITION, (body, from) => desk().alterPartition(from.nodeId, body)),
    ],
    [
      ApiKey.AllocateProducerIds,
      answering(ALLOCATE_PRODUCER_IDS, (body, from) =>
        desk().allocateProducerIds(from.nodeId, body),
      ),
    ],
    [
      ApiKey.AssignReplicasToDirs,
      answering(ASSIGN_REPLICAS_TO_DIRS, (body, from) =>
        desk().assignReplicasToDirs(from.nodeId, body),
      ),
    ],
    [
      GET_REPLICA_LOG_INFO.request.info.key!,
      answering(GET_REPLICA_LOG_INFO, async (body) =>
        logInfoOf(body, services().replicas, options.brokerEpoch()),
      ),
    ],
    [
      COMPLETE_DELETION.request.info.key!,
      answering(COMPLETE_DELETION, (body, from) => desk().completeDeletion(from.nodeId, body)),
    ],
  ]);

  /** By the handler that answers clients, which is told that a member asks. */
  const handle = async (
    from: Hello,
    request: PeerRequest,
    read?: unknown,
  ): Promise<readonly Uint8Array[]> => {
    const handler = options.handlers.get(request.apiKey);
    const { apiVersion } = request;
    if (
      handler === undefined ||
      apiVersion < handler.versions[0] ||
      apiVersion > handler.versions[1]
    )
      throw new PeerError(
        `API ${request.apiKey} in version ${apiVersion} is not answered to members`,
      );
    const context: RequestContext = {
      apiVersion,
      clientId: `node-${from.nodeId}`,
      clientHost: `/node-${from.nodeId}`,
      listenerName: options.listenerName,
      member: from.nodeId,
      onClosed: () => () => {},
    };
    const body = read ?? decode(handler.request, apiVersion, request.body);
    const answer = await handler.handle(services(), body as never, context);
    if (typeof answer === 'symbol') throw new PeerError('there is no answer to that');
    return encode(handler.response as Message, apiVersion, answer as never);
  };

  /** Of the metadata or of topics: the same request, read once. */
  const fetch = async (from: Hello, request: PeerRequest): Promise<readonly Uint8Array[]> => {
    const { apiVersion } = request;
    if (apiVersion !== QUORUM_FETCH.version) return handle(from, request);
    const body = decode(fetchRequest, apiVersion, request.body);
    if (!body.topics.some((it) => it.topicId === METADATA_TOPIC_ID))
      return handle(from, request, body);
    return encode(QUORUM_FETCH.response, apiVersion, await member().answerFetch(body));
  };

  return (from, request) => {
    const special = byKey.get(request.apiKey);
    if (special !== undefined) return special(from, request);
    if (request.apiKey === ApiKey.Fetch) return fetch(from, request);
    if (
      request.apiKey === ApiKey.OffsetForLeaderEpoch ||
      FORWARDED_KEYS.has(request.apiKey) ||
      LEADER_KEYS.has(request.apiKey)
    )
      return handle(from, request);
    throw new PeerError(`members do not ask API ${request.apiKey} of one another`);
  };
};

const present = <T>(part: T | undefined, name: string): T => {
  if (part === undefined) throw new PeerError(`${name} is not ready here yet`);
  return part;
};
