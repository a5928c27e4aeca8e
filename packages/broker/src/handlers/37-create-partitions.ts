/** CreatePartitions: a topic grows; answered when the new partitions can be written to. */
import { ErrorCode, createPartitionsRequest, createPartitionsResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
import { namedOnce } from './named-once.ts';

export const createPartitions = handler({
  name: 'CreatePartitions',
  request: createPartitionsRequest,
  response: createPartitionsResponse,
  versions: [0, 3],
  notes: '',
  async handle(broker, request) {
    const { once, twice } = namedOnce(request.topics, (it) => it.name);
    const results = await Promise.all(
      once.map(async ({ name, count, assignments }) => {
        const { controller, replicas } = broker;
        const { validateOnly, timeoutMs } = request;
        const decision = await controller.createPartitions(name, count, assignments, validateOnly);
        if (!decision.ok) return answer(name, decision.errorCode, decision.message);
        if (!validateOnly) await replicas.whenSettled(name, timeoutMs);
        return answer(name, ErrorCode.NONE, null);
      }),
    );
    for (const { name } of twice) {
      results.push(
        answer(name, ErrorCode.INVALID_REQUEST, 'the topic stands twice in the request'),
      );
    }
    return { results };
  },
});

const answer = (
  name: string,
  errorCode: ErrorCode,
  errorMessage: string | null,
): { name: string; errorCode: ErrorCode; errorMessage: string | null } => ({
  name,
  errorCode,
  errorMessage,
});
