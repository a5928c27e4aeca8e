/** Fetch: long poll, incremental sessions, at least one batch, isolation, epoch fencing; a client cannot speak as a replica. */
import {
  ErrorCode,
  ZERO_UUID,
  fetchRequest,
  fetchResponse,
  type Body,
  type Input,
} from '@odradek/protocol';
import type { PartitionRead } from '@odradek/replication';
import { FETCH_SESSION_PARTITIONS_MAX, REQUEST_TIMEOUT_MS_MAX } from '../limits.ts';
import { targetKey, type FetchTarget } from '../fetch/fetch-session.ts';
import type { SessionContext } from '../fetch/fetch-sessions.ts';
import { gather } from '../fetch/gather.ts';
import type { BrokerServices } from '../services.ts';
import { handler } from './handler.ts';
import { findPartition } from './partitions.ts';

type Request = Body<typeof fetchRequest>;
type Response = Input<typeof fetchResponse>;
type TopicResponse = Response['responses'][number];
type PartitionResponse = TopicResponse['partitions'][number];

/** From here on topics are named by id (KIP-516). */
const TOPIC_ID_VERSION = 13;
const SESSION_VERSION_MIN = 7;

export const fetch = handler({
  name: 'Fetch',
  request: fetchRequest,
  response: fetchResponse,
  isLongPoll: true,
  versions: [4, 18],
  notes:
    'Long poll, fetch sessions, leader epoch fencing, topic ids. Fetching from followers comes with replication.',
  async handle(broker, request, context) {
    const replicaId = context.apiVersion >= 15 ? request.replicaState.replicaId : request.replicaId;
    if (replicaId >= 0) return refuseReplica(request, context.apiVersion);
    const usesTopicIds = context.apiVersion >= TOPIC_ID_VERSION;
    const session: SessionContext =
      context.apiVersion < SESSION_VERSION_MIN
        ? { kind: 'sessionless' }
        : broker.fetchSessions.resolve(request.sessionId, request.sessionEpoch, usesTopicIds);
    if (session.kind === 'refused') {
      return { errorCode: session.errorCode, sessionId: request.sessionId, responses: [] };
    }
    const asked = targetsOf(broker, request, usesTopicIds);
    const targets = targetsInSession(broker, session, asked, request, usesTopicIds);
    const reads = await gather(
      {
        targets,
        minBytes: Math.min(request.minBytes, request.maxBytes),
        maxBytes: Math.min(request.maxBytes, broker.settings.broker['fetch.max.bytes']),
        maxWaitMs: Math.min(request.maxWaitMs, REQUEST_TIMEOUT_MS_MAX),
        isolation: request.isolationLevel === 1 ? 'readCommitted' : 'readUncommitted',
      },
      {
        clock: broker.clock,
        onClosed: context.onClosed,
        replicaOf: (target) => {
          const found = findPartition(broker, target.topicId, target.topic, target.partition);
          return found.ok ? found.replica : found.errorCode;
        },
      },
    );
    return {
      sessionId: session.kind === 'sessionless' ? 0 : session.session.id,
      errorCode: ErrorCode.NONE,
      responses: responsesOf(broker, targets, reads, session),
    };
  },
});

const targetsOf = (
  broker: BrokerServices,
  request: Request,
  usesTopicIds: boolean,
): FetchTarget[] =>
  request.topics.flatMap((topic) =>
    topic.partitions.map((it) => ({
      topic: usesTopicIds ? (broker.image.topicsById.get(topic.topicId)?.name ?? '') : topic.topic,
      topicId: usesTopicIds ? topic.topicId : null,
      partition: it.partition,
      fetchOffset: it.fetchOffset,
      maxBytes: it.partitionMaxBytes,
      currentLeaderEpoch: it.currentLeaderEpoch,
      lastFetchedEpoch: it.lastFetchedEpoch,
    })),
  );

/** What this request reads: what it names, or with a session all that the session holds. */
const targetsInSession = (
  broker: BrokerServices,
  context: SessionContext,
  asked: FetchTarget[],
  request: Request,
  usesTopicIds: boolean,
): readonly FetchTarget[] => {
  if (context.kind !== 'full' && context.kind !== 'incremental') return asked;
  const forgotten = request.forgottenTopicsData.flatMap((topic) =>
    topic.partitions.map((partition) =>
      targetKey(usesTopicIds ? topic.topicId : null, topic.topic, partition),
    ),
  );
  context.session.update(asked, forgotten);
  if (context.kind === 'incremental') return context.session.targets();
  if (asked.length === 0 || asked.length > FETCH_SESSION_PARTITIONS_MAX)
    broker.fetchSessions.discard(context.session);
  return asked;
};

const responsesOf = (
  broker: BrokerServices,
  targets: readonly FetchTarget[],
  reads: readonly PartitionRead[],
  context: SessionContext,
): TopicResponse[] => {
  const byTopic = new Map<
    string,
    { topic: string; topicId: FetchTarget['topicId']; partitions: PartitionResponse[] }
  >();
  targets.forEach((target, i) => {
    const read = reads[i]!;
    const hasNews = read.sizeBytes > 0 || read.divergingEpoch !== undefined;
    if (context.kind === 'full') context.session.mustTell(target, read, hasNews);
    if (context.kind === 'incremental' && !context.session.mustTell(target, read, hasNews)) return;
    const key = target.topicId ?? target.topic;
    let topic = byTopic.get(key);
    if (topic === undefined) {
      topic = { topic: target.topic, topicId: target.topicId, partitions: [] };
      byTopic.set(key, topic);
    }
    topic.partitions.push(partitionResponse(broker, target, read));
  });
  return [...byTopic.values()].map((it) => ({ ...it, topicId: it.topicId ?? ZERO_UUID }));
};

const partitionResponse = (
  broker: BrokerServices,
  target: FetchTarget,
  read: PartitionRead,
): PartitionResponse => {
  const assignment =
    read.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER ||
    read.errorCode === ErrorCode.FENCED_LEADER_EPOCH
      ? broker.image.partition(target.topic, target.partition)
      : undefined;
  return {
    partitionIndex: target.partition,
    errorCode: read.errorCode,
    highWatermark: read.highWatermark,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.logStartOffset,
    abortedTransactions: read.abortedTransactions,
    records: read.records,
    ...(read.divergingEpoch === undefined ? {} : { divergingEpoch: read.divergingEpoch }),
    ...(assignment === undefined
      ? {}
      : { currentLeader: { leaderId: assignment.leader, leaderEpoch: assignment.leaderEpoch } }),
  };
};

/** CVE-2018-1288: a client that speaks as a replica could move the high watermark. Replicas come by a link of their own. */
const refuseReplica = (request: Request, apiVersion: number): Response => ({
  errorCode:
    apiVersion >= SESSION_VERSION_MIN ? ErrorCode.CLUSTER_AUTHORIZATION_FAILED : ErrorCode.NONE,
  sessionId: 0,
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
