/** AlterConfigs: puts a resource's whole configuration; what is not named goes back to its default. Kept for old clients: 44 is the better one. */
import { ErrorCode, alterConfigsRequest, alterConfigsResponse } from '@odradek/protocol';
import { putChecked } from './44-incremental-alter-configs.ts';
import { findResource } from './config-resources.ts';
import { handler } from './handler.ts';

export const alterConfigs = handler({
  name: 'AlterConfigs',
  request: alterConfigsRequest,
  response: alterConfigsResponse,
  versions: [0, 2],
  notes: '',
  async handle(broker, request) {
    const responses = await Promise.all(
      request.resources.map(async ({ resourceType, resourceName, configs }) => {
        const answer = (errorCode: ErrorCode, errorMessage: string | null) => ({
          errorCode,
          errorMessage,
          resourceType,
          resourceName,
        });
        const found = findResource(broker, resourceType, resourceName);
        if (!found.ok) return answer(found.errorCode, found.message);
        const without = configs.find((it) => it.value === null);
        if (without !== undefined)
          return answer(ErrorCode.INVALID_REQUEST, `${without.name} needs a value`);
        const entries = configs.map((it) => ({ key: it.name, value: it.value! }));
        const put = await putChecked(broker, found.value, entries, request.validateOnly);
        return put.ok ? answer(ErrorCode.NONE, null) : answer(put.errorCode, put.message);
      }),
    );
    return { responses };
  },
});
