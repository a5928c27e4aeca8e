/** AlterConfigs: puts a resource's whole configuration; what is not named goes back to its default. Kept for old clients: 44 is the better one. */
import { ErrorCode, alterConfigsRequest, alterConfigsResponse, type Body } from '@odradek/protocol';
import { refuse, type Decision } from '../controller/outcome.ts';
import type { BrokerServices } from '../services.ts';
import { TWICE, checkedConfig, findResource, resourceKey, responseOf } from './config-resources.ts';
import { handler } from './handler.ts';
import { namedOnce } from './named-once.ts';

type Asked = Body<typeof alterConfigsRequest>['resources'][number];

export const alterConfigs = handler({
  name: 'AlterConfigs',
  request: alterConfigsRequest,
  response: alterConfigsResponse,
  versions: [0, 2],
  notes: '',
  async handle(broker, request) {
    const { once, twice } = namedOnce(request.resources, resourceKey);
    const responses = await Promise.all(
      once.map(async (it) => responseOf(it, await put(broker, it, request.validateOnly))),
    );
    for (const it of twice) responses.push(responseOf(it, TWICE));
    return { responses };
  },
});

const put = (
  broker: BrokerServices,
  asked: Asked,
  validateOnly: boolean,
): Decision<null> | Promise<Decision<null>> => {
  const found = findResource(broker, asked.resourceType, asked.resourceName);
  if (!found.ok) return found;
  const twice = namedOnce(asked.configs, (it) => it.name).twice[0];
  if (twice !== undefined) {
    return refuse(ErrorCode.INVALID_REQUEST, `${twice.name} stands twice in the request`);
  }
  const without = asked.configs.find((it) => it.value === null);
  if (without !== undefined) {
    return refuse(ErrorCode.INVALID_REQUEST, `${without.name} needs a value`);
  }
  const entries = asked.configs.map((it) => ({ key: it.name, value: it.value! }));
  return broker.controller.alterConfig(
    found.value,
    () => checkedConfig(broker, found.value, entries),
    validateOnly,
  );
};
