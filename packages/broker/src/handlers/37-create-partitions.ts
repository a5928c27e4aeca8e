/** CreatePartitions: a topic grows; answered when the new partitions can be written to. */
import { ErrorCode, createPartitionsRequest, createPartitionsResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const createPartitions = handler({
  name: 'CreatePartitions',
  request: createPartitionsRequest,
  response: createPartitionsResponse,
  versions: [0, 3],
  notes: '',
  async handle(broker, request) {
    const results = await Promise.all(
      request.topics.map(async ({ name, count, assignments }, i) => {
        const failed = (errorCode: ErrorCode, errorMessage: string | null) => ({
          name,
          errorCode,
          errorMessage,
        });
        if (request.topics.findIndex((it) => it.name === name) !== i) {
          return failed(ErrorCode.INVALID_REQUEST, 'the topic stands twice in the request');
        }
        const topic = broker.image.topics.get(name);
        if (topic === undefined) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null);
        const decision = await broker.controller.createPartitions(
          topic,
          count,
          assignments,
          request.validateOnly,
        );
        if (!decision.ok) return failed(decision.errorCode, decision.message);
        if (!request.validateOnly) await broker.replicas.whenSettled(name, request.timeoutMs);
        return failed(ErrorCode.NONE, null);
      }),
    );
    return { results };
  },
});
