/** CreateTopics: each topic whole or not at all; answered when it can be written to. */
import {
  ErrorCode,
  ZERO_UUID,
  createTopicsRequest,
  createTopicsResponse,
  type Body,
  type Input,
} from '@odradek/protocol';
import type { BrokerServices } from '../services.ts';
import { handler } from './handler.ts';
import { namedOnce } from './named-once.ts';

type Asked = Body<typeof createTopicsRequest>['topics'][number];
type Result = Input<typeof createTopicsResponse>['topics'][number];

export const createTopics = handler({
  name: 'CreateTopics',
  request: createTopicsRequest,
  response: createTopicsResponse,
  versions: [2, 7],
  notes: 'Counts and factors of -1 take the broker defaults; assignments by hand; validateOnly.',
  async handle(broker, request) {
    const { once, twice } = namedOnce(request.topics, (it) => it.name);
    const topics = await Promise.all(
      once.map((it) => create(broker, it, request.validateOnly, request.timeoutMs)),
    );
    for (const { name } of twice) {
      topics.push(failed(name, ErrorCode.INVALID_REQUEST, 'the topic stands twice in the request'));
    }
    return { topics };
  },
});

const create = async (
  broker: BrokerServices,
  asked: Asked,
  validateOnly: boolean,
  timeoutMs: number,
): Promise<Result> => {
  const decision = await broker.controller.createTopic(asked, validateOnly);
  if (!decision.ok) return failed(asked.name, decision.errorCode, decision.message);
  if (!validateOnly) await broker.replicas.whenSettled(asked.name, timeoutMs);
  const { topicId, numPartitions, replicationFactor } = decision.value;
  return {
    name: asked.name,
    topicId: validateOnly ? ZERO_UUID : topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    numPartitions,
    replicationFactor,
    configs: broker.settings.describeTopic(asked.name, decision.value.configs).map((it) => ({
      name: it.name,
      value: it.value,
      readOnly: it.isReadOnly,
      configSource: it.source,
      isSensitive: it.isSensitive,
    })),
  };
};

const failed = (name: string, errorCode: ErrorCode, errorMessage: string | null): Result => ({
  name,
  topicId: ZERO_UUID,
  errorCode,
  errorMessage,
  numPartitions: -1,
  replicationFactor: -1,
  configs: [],
});
