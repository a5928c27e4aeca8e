/** IncrementalAlterConfigs: sets, deletes, and for lists appends and subtracts single keys (KIP-339). */
import {
  ErrorCode,
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
  type Body,
} from '@odradek/protocol';
import { AlterOperation } from '../config/index.ts';
import { refuse, type Decision } from '../controller/outcome.ts';
import type { BrokerServices } from '../services.ts';
import { TWICE, checkedConfig, findResource, resourceKey, responseOf } from './config-resources.ts';
import { handler } from './handler.ts';
import { namedOnce } from './named-once.ts';

type Asked = Body<typeof incrementalAlterConfigsRequest>['resources'][number];

const OPERATIONS: ReadonlySet<number> = new Set(Object.values(AlterOperation));

export const incrementalAlterConfigs = handler({
  name: 'IncrementalAlterConfigs',
  request: incrementalAlterConfigsRequest,
  response: incrementalAlterConfigsResponse,
  versions: [0, 1],
  notes: 'Topics, this broker, and the cluster-wide defaults of brokers.',
  async handle(broker, request) {
    const { once, twice } = namedOnce(request.resources, resourceKey);
    const responses = await Promise.all(
      once.map(async (it) => responseOf(it, await alter(broker, it, request.validateOnly))),
    );
    for (const it of twice) responses.push(responseOf(it, TWICE));
    return { responses };
  },
});

const alter = (
  broker: BrokerServices,
  asked: Asked,
  validateOnly: boolean,
): Decision<null> | Promise<Decision<null>> => {
  const found = findResource(broker, asked.resourceType, asked.resourceName);
  if (!found.ok) return found;
  const problem = problemOf(asked);
  if (problem !== null) return refuse(ErrorCode.INVALID_REQUEST, problem);
  const alterations = asked.configs.map((it) => ({
    key: it.name,
    operation: it.configOperation,
    value: it.value,
  }));
  const resource = found.value;
  const { settings } = broker;
  return broker.controller.alterConfig(
    resource,
    (own) => {
      const altered =
        resource.kind === 'topic'
          ? settings.alterTopic(resource.topic, alterations)
          : settings.alterBroker(own, alterations);
      if (!altered.ok) return refuse(ErrorCode.INVALID_CONFIG, altered.message);
      return checkedConfig(broker, resource, altered.entries);
    },
    validateOnly,
  );
};

const problemOf = ({ configs }: Asked): string | null => {
  const twice = namedOnce(configs, (it) => it.name).twice[0];
  if (twice !== undefined) return `${twice.name} stands twice in the request`;
  for (const { name, configOperation, value } of configs) {
    if (!OPERATIONS.has(configOperation))
      return `${configOperation} is not an operation on ${name}`;
    if (value === null && configOperation !== AlterOperation.DELETE) return `${name} needs a value`;
  }
  return null;
};
