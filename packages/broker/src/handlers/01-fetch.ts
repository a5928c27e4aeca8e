/** Fetch: long poll, incremental sessions, at least one batch, isolation, epoch fencing; a client cannot speak as a replica. */
import {
  ErrorCode,
  ZERO_UUID,
  fetchRequest,
  fetchResponse,
  nodeId,
  offset,
  type Body,
  type Input,
  type NodeId,
  type Uuid,
} from '@odradek/protocol';
import type { PartitionReplica } from '@odradek/replication';
import { replicaSelectorOf } from '../config/index.ts';
import { REQUEST_TIMEOUT_MS_MAX } from '../limits.ts';
import { targetKey, type FetchTarget, type SessionPartition } from '../fetch/fetch-session.ts';
import type { SessionContext } from '../fetch/fetch-sessions.ts';
import { gather, type GatherHost, type GatheredRead } from '../fetch/gather.ts';
import type { BrokerServices } from '../services.ts';
import {
  currentLeader,
  isAskedElsewhere,
  leaderEndpoints,
  type CurrentLeader,
} from './current-leader.ts';
import { handler } from './handler.ts';
import { findPartition } from './partitions.ts';

type Request = Body<typeof fetchRequest>;
type Response = Input<typeof fetchResponse>;
type TopicResponse = Response['responses'][number];
type PartitionResponse = TopicResponse['partitions'][number];

/** From here on topics are named by id (KIP-516). */
const TOPIC_ID_VERSION = 13;
const SESSION_VERSION_MIN = 7;
/** Clients that know of reading from followers, and name their rack (KIP-392). */
const RACK_VERSION_MIN = 11;
/** Older clients do not know KAFKA_STORAGE_ERROR for what it is: something to try again. */
const STORAGE_ERROR_VERSION_MIN = 6;
/** No session. */
const NO_SESSION = 0;

export const fetch = handler({
  name: 'Fetch',
  request: fetchRequest,
  response: fetchResponse,
  isLongPoll: true,
  versions: [4, 18],
  notes:
    'Long poll, fetch sessions, leader epoch fencing, topic ids, reading from followers (KIP-392). Replicas fetch over their peer link only.',
  handle(broker, request, context) {
    const { apiVersion } = context;
    const replicaId = apiVersion >= 15 ? request.replicaState.replicaId : request.replicaId;
    const isReplica = replicaId >= 0;
    if (isReplica && replicaId !== context.member) return refuseReplica(request, apiVersion);
    const usesTopicIds = apiVersion >= TOPIC_ID_VERSION;
    const asked = targetsOf(request, usesTopicIds);
    const session = sessionOf(broker, request, asked, apiVersion);
    if (session.kind === 'refused') {
      return { errorCode: session.errorCode, sessionId: NO_SESSION, responses: [] };
    }
    const partitions = session.kind === 'incremental' ? session.session.partitions() : undefined;
    const targets = partitions?.map((it) => it.target) ?? asked;
    const maxBytes = Math.min(request.maxBytes, broker.settings.broker['fetch.max.bytes']);
    const reads = gather(
      {
        targets,
        maxBytes,
        minBytes: Math.min(request.minBytes, maxBytes),
        maxWaitMs: broker.budget.mayWait ? Math.min(request.maxWaitMs, REQUEST_TIMEOUT_MS_MAX) : 0,
        ...(isReplica
          ? {
              replica: {
                nodeId: nodeId(replicaId),
                brokerEpoch: request.replicaState.replicaEpoch,
              },
            }
          : { mayReadFollower: apiVersion >= RACK_VERSION_MIN }),
        isolation: request.isolationLevel === 1 ? 'readCommitted' : 'readUncommitted',
      },
      {
        clock: broker.clock,
        onClosed: context.onClosed,
        takeAnswer: (bytes) => broker.budget.takeAnswer(bytes),
        giveAnswer: (bytes) => broker.budget.giveAnswer(bytes),
        replicaOf: (target) => {
          const found = findPartition(broker, target.topicId, target.topic, target.partition);
          return found.ok ? found.replica : found.errorCode;
        },
        ...(isReplica
          ? towardsFollower(broker, nodeId(replicaId), partitions)
          : towardsClient(broker, request.rackId)),
      },
    );
    const answer = (it: readonly GatheredRead[]): Response => {
      if (isReplica) chargeFollower(broker, nodeId(replicaId), targets, it);
      const answer = answerOf(broker, session, partitions, targets, it, apiVersion, isReplica);
      const leaders = leadersIn(answer);
      return leaders.length === 0
        ? answer
        : { ...answer, nodeEndpoints: leaderEndpoints(broker, context.listenerName, leaders) };
    };
    return reads instanceof Promise ? reads.then(answer) : answer(reads);
  },
});

const selectorOf = (broker: BrokerServices): 'leader' | 'rack' =>
  replicaSelectorOf(broker.settings.broker['replica.selector.class']);

/** A client is sent to the replica that is nearest to it. */
const towardsClient = (broker: BrokerServices, rackId: string): Pick<GatherHost, 'nearerReplica'> =>
  rackId === '' || selectorOf(broker) !== 'rack'
    ? {}
    : {
        nearerReplica: (target, replica) =>
          replica.preferredReadReplica(rackId, offset(target.fetchOffset)),
      };

const towardsFollower = (
  broker: BrokerServices,
  follower: NodeId,
  partitions: readonly SessionPartition[] | undefined,
): Pick<GatherHost, 'isHeldBack' | 'isNews'> => ({
  isHeldBack: (replica) =>
    isThrottled(broker, follower, replica) && broker.throttle!.leader.quota.waitMs() > 0,
  // Clients read there: they are not to wait for what is committed until the next record comes.
  ...(partitions !== undefined &&
    selectorOf(broker) === 'rack' && {
      isNews: (index, highWatermark) => partitions[index]!.toldHighWatermark < highWatermark,
    }),
});

const isThrottled = (
  broker: BrokerServices,
  follower: NodeId,
  replica: PartitionReplica,
): boolean =>
  broker.throttle?.leader.isThrottled(replica.topic, replica.partition) === true &&
  !replica.isInSync(follower);

/** What throttled replicas were given counts against the rate. */
const chargeFollower = (
  broker: BrokerServices,
  follower: NodeId,
  targets: readonly FetchTarget[],
  reads: readonly GatheredRead[],
): void => {
  reads.forEach(({ sizeBytes }, i) => {
    if (sizeBytes === 0) return;
    const { topicId, topic, partition } = targets[i]!;
    const found = findPartition(broker, topicId, topic, partition);
    if (found.ok && isThrottled(broker, follower, found.replica))
      broker.throttle!.leader.quota.take(sizeBytes);
  });
};

/** What the request names. A partition that is named twice is meant as it was named last. */
const targetsOf = (request: Request, usesTopicIds: boolean): readonly FetchTarget[] => {
  const targets: FetchTarget[] = [];
  for (const topic of request.topics) {
    const topicId = usesTopicIds ? topic.topicId : null;
    const name = usesTopicIds ? '' : topic.topic;
    for (const it of topic.partitions) {
      targets.push({
        topic: name,
        topicId,
        partition: it.partition,
        fetchOffset: it.fetchOffset,
        maxBytes: it.partitionMaxBytes,
        currentLeaderEpoch: it.currentLeaderEpoch,
        lastFetchedEpoch: it.lastFetchedEpoch,
        logStartOffset: it.logStartOffset,
      });
    }
  }
  if (targets.length < 2) return targets;
  const byKey = new Map(targets.map((it) => [targetKey(it.topicId, it.topic, it.partition), it]));
  return byKey.size === targets.length ? targets : [...byKey.values()];
};

const sessionOf = (
  broker: BrokerServices,
  request: Request,
  targets: readonly FetchTarget[],
  apiVersion: number,
): SessionContext => {
  if (apiVersion < SESSION_VERSION_MIN) return { kind: 'sessionless' };
  const usesTopicIds = apiVersion >= TOPIC_ID_VERSION;
  const { sessionId, sessionEpoch } = request;
  const forgotten = request.forgottenTopicsData.flatMap((topic) =>
    topic.partitions.map((it) => targetKey(usesTopicIds ? topic.topicId : null, topic.topic, it)),
  );
  return broker.fetchSessions.resolve({
    sessionId,
    sessionEpoch,
    usesTopicIds,
    targets,
    forgotten,
  });
};

const answerOf = (
  broker: BrokerServices,
  context: SessionContext,
  partitions: readonly SessionPartition[] | undefined,
  targets: readonly FetchTarget[],
  reads: readonly GatheredRead[],
  apiVersion: number,
  isReplica: boolean,
): Response => {
  const session =
    context.kind === 'incremental'
      ? context.session
      : context.kind === 'full'
        ? broker.fetchSessions.begin(targets, apiVersion >= TOPIC_ID_VERSION)
        : undefined;
  const sessionId = session?.id ?? NO_SESSION;
  if (context.kind === 'incremental' && context.session.nextEpoch !== context.nextEpoch) {
    // Another request of the session came while this one waited: the client has given this one up.
    return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId, responses: [] };
  }
  const known = partitions ?? session?.partitions();
  const responses: { topic: string; topicId: Uuid | null; partitions: PartitionResponse[] }[] = [];
  const byTopic = new Map<string, (typeof responses)[number]>();
  targets.forEach((target, i) => {
    const read = reads[i]!;
    const isNews = known === undefined || session!.tell(known[i]!, read);
    if (!isNews && context.kind === 'incremental') return;
    const key = target.topicId ?? target.topic;
    let topic = byTopic.get(key);
    if (topic === undefined) {
      topic = { topic: target.topic, topicId: target.topicId, partitions: [] };
      byTopic.set(key, topic);
      responses.push(topic);
    }
    topic.partitions.push(partitionResponse(broker, target, read, apiVersion, isReplica));
  });
  return {
    sessionId,
    errorCode: ErrorCode.NONE,
    responses: responses.map((it) => ({ ...it, topicId: it.topicId ?? ZERO_UUID })),
  };
};

const leadersIn = ({ responses }: Response): readonly CurrentLeader[] => {
  const leaders: CurrentLeader[] = [];
  for (const { partitions } of responses)
    for (const { currentLeader: leader } of partitions)
      if (leader !== undefined) leaders.push(leader as CurrentLeader);
  return leaders;
};

const partitionResponse = (
  broker: BrokerServices,
  target: FetchTarget,
  read: GatheredRead,
  apiVersion: number,
  isReplica: boolean,
): PartitionResponse => {
  if (read.errorCode !== ErrorCode.NONE) {
    const error = unread(broker, target, read.errorCode, apiVersion);
    // A follower whose offset is gone begins anew where the leader's log does.
    return isReplica && read.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE
      ? { ...error, highWatermark: read.highWatermark, logStartOffset: read.logStartOffset }
      : error;
  }
  const response: PartitionResponse = {
    partitionIndex: target.partition,
    errorCode: ErrorCode.NONE,
    highWatermark: read.highWatermark,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.logStartOffset,
    abortedTransactions: read.abortedTransactions,
    records: read.records,
  };
  if (read.divergingEpoch !== undefined)
    return { ...response, divergingEpoch: read.divergingEpoch };
  return read.preferredReadReplica === undefined
    ? response
    : { ...response, preferredReadReplica: read.preferredReadReplica };
};

/** An error says nothing of where the log is, as Kafka's. */
const unread = (
  broker: BrokerServices,
  target: FetchTarget,
  errorCode: ErrorCode,
  apiVersion: number,
): PartitionResponse => {
  const response: PartitionResponse = {
    partitionIndex: target.partition,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    records: [],
  };
  switch (errorCode) {
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return apiVersion < STORAGE_ERROR_VERSION_MIN
        ? { ...response, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }
        : response;
    default: {
      const { topicId, topic, partition } = target;
      const leader = isAskedElsewhere(errorCode)
        ? currentLeader(broker, topicId, topic, partition)
        : undefined;
      return leader === undefined ? response : { ...response, currentLeader: leader };
    }
  }
};

/** CVE-2018-1288: a client that speaks as a replica could move the high watermark. Replicas come by a link of their own. */
const refuseReplica = (request: Request, apiVersion: number): Response => ({
  errorCode:
    apiVersion >= SESSION_VERSION_MIN ? ErrorCode.CLUSTER_AUTHORIZATION_FAILED : ErrorCode.NONE,
  sessionId: NO_SESSION,
  responses:
    apiVersion >= SESSION_VERSION_MIN
      ? []
      : request.topics.map((topic) => ({
          topic: topic.topic,
          topicId: topic.topicId,
          partitions: topic.partitions.map((it) => ({
            partitionIndex: it.partition,
            errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
            highWatermark: -1,
            abortedTransactions: null,
            records: [],
          })),
        })),
});
