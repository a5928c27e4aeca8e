/** DeleteTopics: by name, or from version 6 by id. The topic is gone when this is answered; its files go after. */
import {
  ErrorCode,
  ZERO_UUID,
  deleteTopicsRequest,
  deleteTopicsResponse,
  type Input,
  type Uuid,
} from '@odradek/protocol';
import type { BrokerServices } from '../services.ts';
import { handler } from './handler.ts';
import { namedOnce } from './named-once.ts';

type Result = Input<typeof deleteTopicsResponse>['responses'][number];
type Asked = { readonly name: string | null; readonly topicId: Uuid };

/** Older clients do not know TOPIC_DELETION_DISABLED. */
const DISABLED_VERSION_MIN = 3;

export const deleteTopics = handler({
  name: 'DeleteTopics',
  request: deleteTopicsRequest,
  response: deleteTopicsResponse,
  versions: [1, 6],
  notes: 'Topics of the broker itself are refused.',
  async handle(broker, request, context) {
    const asked: readonly Asked[] =
      context.apiVersion >= 6
        ? request.topics
        : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
    const { once, twice } = namedOnce(asked, (it) => it.name ?? it.topicId);
    const responses = await Promise.all(
      once.map(async (it) => {
        const result = await remove(broker, it);
        return result.errorCode === ErrorCode.TOPIC_DELETION_DISABLED &&
          context.apiVersion < DISABLED_VERSION_MIN
          ? { ...result, errorCode: ErrorCode.INVALID_REQUEST }
          : result;
      }),
    );
    for (const it of twice) responses.push(refuse(it, 'the topic stands twice in the request'));
    return { responses };
  },
});

const remove = async (broker: BrokerServices, asked: Asked): Promise<Result> => {
  const { name, topicId } = asked;
  if (name !== null && topicId !== ZERO_UUID) {
    return refuse(asked, 'name the topic by its name or by its id, not by both');
  }
  if (name === null && topicId === ZERO_UUID) {
    return refuse(asked, 'name the topic by its name or by its id');
  }
  const topic =
    name === null ? broker.image.topicsById.get(topicId) : broker.image.topics.get(name);
  const unknown = name === null ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (topic === undefined) return { ...asked, errorCode: unknown, errorMessage: null };
  const decision = await broker.controller.deleteTopic(topic);
  const { name: known, topicId: knownId } = topic;
  if (decision.ok) {
    return { name: known, topicId: knownId, errorCode: ErrorCode.NONE, errorMessage: null };
  }
  // Somebody else was faster.
  const isGone = decision.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return {
    name: known,
    topicId: knownId,
    errorCode: isGone ? unknown : decision.errorCode,
    errorMessage: decision.message,
  };
};

const refuse = (asked: Asked, errorMessage: string): Result => ({
  ...asked,
  errorCode: ErrorCode.INVALID_REQUEST,
  errorMessage,
});
