/**
 * OffsetFetch in its two shapes: one group (to version 7) and many (from 8). It reads the image, so that it shows what is committed and
 * nothing else. A partition without an offset is -1 and no error.
 */
import { ErrorCode, ZERO_UUID } from '@odradek/protocol';
import type { Uuid } from '@odradek/protocol';
import type { CoordinatorHost } from './host.ts';
import type { OffsetFetchReply, OffsetFetchRequest, RequestContext } from './messages.ts';
import type { TopicOffsets } from './offsets-image.ts';
import type { CommittedOffset } from './records/records.ts';

export interface GroupAsked {
  readonly groupId: string;
  /** Null: all that there are. */
  readonly topics: readonly TopicAsked[] | null;
}

interface TopicAsked {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitionIndexes: readonly number[];
}

export type FetchedGroup = NonNullable<OffsetFetchReply['groups']>[number];
type FetchedTopic = FetchedGroup['topics'][number];
type FetchedPartition = FetchedTopic['partitions'][number];
type Topics = Pick<CoordinatorHost, 'topicName' | 'topicId'>;

/** Many groups in one request. */
const GROUPS_SINCE = 8;
/** An error of the whole group; before, each partition carries it. */
const GROUP_ERROR_SINCE = 2;
const TOPIC_IDS_SINCE = 10;

export function groupsAsked(
  request: OffsetFetchRequest,
  { apiVersion }: RequestContext,
): readonly GroupAsked[] {
  if (apiVersion >= GROUPS_SINCE) return request.groups;
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null;
  return [{ groupId: request.groupId, topics }];
}

export function fetchOffsets(
  asked: GroupAsked,
  offsets: TopicOffsets | undefined,
  topics: Topics,
  { apiVersion }: RequestContext,
): FetchedGroup {
  const fetched =
    asked.topics === null
      ? allTopics(offsets, topics, apiVersion)
      : asked.topics.map((topic) => oneTopic(topic, offsets, topics));
  return { groupId: asked.groupId, topics: fetched, errorCode: ErrorCode.NONE };
}

function oneTopic(
  { name, topicId, partitionIndexes }: TopicAsked,
  offsets: TopicOffsets | undefined,
  topics: Topics,
): FetchedTopic {
  const known = topicId === ZERO_UUID ? name : topics.topicName(topicId);
  if (known === undefined)
    return {
      name,
      topicId,
      partitions: partitionIndexes.map((index) => nothing(index, ErrorCode.UNKNOWN_TOPIC_ID)),
    };
  const partitions = offsets?.get(known);
  return {
    name: known,
    topicId,
    partitions: partitionIndexes.map((index) => {
      const committed = partitions?.get(index);
      return committed === undefined || isOfAnotherTopic(committed, topicId)
        ? nothing(index, ErrorCode.NONE)
        : something(index, committed);
    }),
  };
}

function allTopics(
  offsets: TopicOffsets | undefined,
  topics: Topics,
  apiVersion: number,
): readonly FetchedTopic[] {
  const fetched: FetchedTopic[] = [];
  for (const [name, partitions] of offsets ?? []) {
    const topicId = topics.topicId(name) ?? ZERO_UUID;
    // Without an id such a version cannot name the topic.
    if (apiVersion >= TOPIC_IDS_SINCE && topicId === ZERO_UUID) continue;
    fetched.push({
      name,
      topicId,
      partitions: [...partitions].map(([index, committed]) => something(index, committed)),
    });
  }
  return fetched;
}

/** The topic was deleted and made anew under its name since the offset was committed. */
function isOfAnotherTopic(committed: CommittedOffset, topicId: Uuid): boolean {
  return topicId !== ZERO_UUID && committed.topicId !== ZERO_UUID && committed.topicId !== topicId;
}

function something(
  partitionIndex: number,
  { offset, leaderEpoch, metadata }: CommittedOffset,
): FetchedPartition {
  return {
    partitionIndex,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: ErrorCode.NONE,
  };
}

function nothing(partitionIndex: number, errorCode: ErrorCode): FetchedPartition {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode };
}

export function refuseFetch(
  { groupId, topics }: GroupAsked,
  errorCode: ErrorCode,
  { apiVersion }: RequestContext,
): FetchedGroup {
  if (apiVersion >= GROUP_ERROR_SINCE) return { groupId, topics: [], errorCode };
  const refused = (topics ?? []).map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((index) => nothing(index, errorCode)),
  }));
  return { groupId, topics: refused, errorCode };
}

export function offsetFetchReply(
  groups: readonly FetchedGroup[],
  { apiVersion }: RequestContext,
): OffsetFetchReply {
  if (apiVersion >= GROUPS_SINCE) return { topics: [], groups };
  const [only] = groups;
  if (only === undefined) return { topics: [] };
  const topics = only.topics.map(({ name, partitions }) => ({ name: name ?? '', partitions }));
  return { topics, errorCode: only.errorCode };
}
