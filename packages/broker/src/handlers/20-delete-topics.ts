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

type Result = Input<typeof deleteTopicsResponse>['responses'][number];

export const deleteTopics = handler({
  name: 'DeleteTopics',
  request: deleteTopicsRequest,
  response: deleteTopicsResponse,
  versions: [1, 6],
  notes: '',
  async handle(broker, request, context) {
    const asked: readonly { name: string | null; topicId: Uuid }[] =
      context.apiVersion >= 6
        ? request.topics
        : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
    return { responses: await Promise.all(asked.map((it) => remove(broker, it.name, it.topicId))) };
  },
});

const remove = async (
  broker: BrokerServices,
  name: string | null,
  topicId: Uuid,
): Promise<Result> => {
  if (name !== null && topicId !== ZERO_UUID) {
    const errorMessage = 'name the topic by its name or by its id, not by both';
    return { name, topicId, errorCode: ErrorCode.INVALID_REQUEST, errorMessage };
  }
  const topic =
    name === null ? broker.image.topicsById.get(topicId) : broker.image.topics.get(name);
  if (topic === undefined) {
    const errorCode =
      name === null ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    return { name, topicId, errorCode, errorMessage: null };
  }
  const decision = await broker.controller.deleteTopic(topic);
  return {
    name: topic.name,
    topicId: topic.topicId,
    errorCode: decision.ok ? ErrorCode.NONE : decision.errorCode,
    errorMessage: decision.ok ? null : decision.message,
  };
};
