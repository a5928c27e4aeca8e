/** IncrementalAlterConfigs: sets, deletes, and for lists appends and subtracts single keys (KIP-339). */
import {
  ErrorCode,
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
  type Body,
} from '@odradek/protocol';
import { AlterOperation } from '../config/index.ts';
import type { ConfigResource } from '../controller/controller.ts';
import { decided, refuse, type Decision } from '../controller/outcome.ts';
import type { BrokerServices } from '../services.ts';
import { findResource, ownConfig } from './config-resources.ts';
import { handler } from './handler.ts';

type Asked = Body<typeof incrementalAlterConfigsRequest>['resources'][number];
type Entries = readonly { readonly key: string; readonly value: string }[];

export const incrementalAlterConfigs = handler({
  name: 'IncrementalAlterConfigs',
  request: incrementalAlterConfigsRequest,
  response: incrementalAlterConfigsResponse,
  versions: [0, 1],
  notes: 'Topics, this broker, and the cluster-wide defaults of brokers.',
  async handle(broker, request) {
    const responses = await Promise.all(
      request.resources.map(async (asked) => {
        const result = await alter(broker, asked, request.validateOnly);
        return {
          errorCode: result.ok ? ErrorCode.NONE : result.errorCode,
          errorMessage: result.ok ? null : result.message,
          resourceType: asked.resourceType,
          resourceName: asked.resourceName,
        };
      }),
    );
    return { responses };
  },
});

const alter = async (
  broker: BrokerServices,
  asked: Asked,
  validateOnly: boolean,
): Promise<Decision<null>> => {
  const found = findResource(broker, asked.resourceType, asked.resourceName);
  if (!found.ok) return found;
  const names = asked.configs.map((it) => it.name);
  const twice = names.find((it, i) => names.indexOf(it) !== i);
  if (twice !== undefined)
    return refuse(ErrorCode.INVALID_REQUEST, `${twice} stands twice in the request`);
  const without = asked.configs.find(
    (it) => it.value === null && it.configOperation !== AlterOperation.DELETE,
  );
  if (without !== undefined)
    return refuse(ErrorCode.INVALID_REQUEST, `${without.name} needs a value`);
  const alterations = asked.configs.map((it) => ({
    key: it.name,
    operation: it.configOperation,
    value: it.value,
  }));
  if (found.value.kind === 'topic') {
    const altered = broker.settings.alterTopic(found.value.topic, alterations);
    return altered.ok
      ? putChecked(broker, found.value, altered.entries, validateOnly)
      : refuse(ErrorCode.INVALID_CONFIG, altered.message);
  }
  const own = new Map(Object.entries(ownConfig(broker, found.value)));
  for (const { key, operation, value } of alterations) {
    if (operation === AlterOperation.DELETE) own.delete(key);
    else if (operation === AlterOperation.SET && value !== null) own.set(key, value);
    else
      return refuse(
        ErrorCode.INVALID_REQUEST,
        `${key} of a broker can be set to a value or deleted`,
      );
  }
  return putChecked(
    broker,
    found.value,
    [...own].map(([key, value]) => ({ key, value })),
    validateOnly,
  );
};

/** Checks the whole of what a resource would hold, and puts it. */
export const putChecked = async (
  broker: BrokerServices,
  resource: ConfigResource,
  entries: Entries,
  validateOnly: boolean,
): Promise<Decision<null>> => {
  const problem =
    resource.kind === 'topic'
      ? broker.settings.topicProblem(entries)
      : broker.settings.brokerProblem(entries);
  if (problem !== null) return refuse(ErrorCode.INVALID_CONFIG, problem);
  if (validateOnly) return decided(null);
  return broker.controller.putConfig(
    resource,
    Object.fromEntries(entries.map((it) => [it.key, it.value])),
  );
};
