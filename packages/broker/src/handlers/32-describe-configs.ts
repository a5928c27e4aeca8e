/** DescribeConfigs: what holds for a topic or a broker, where each value comes from, and what would hold without it. */
import {
  ErrorCode,
  describeConfigsRequest,
  describeConfigsResponse,
  type Body,
  type Input,
} from '@odradek/protocol';
import type { ConfigDescription } from '../config/index.ts';
import type { ConfigResource } from '../controller/controller.ts';
import type { BrokerServices } from '../services.ts';
import { findResource, ownConfig } from './config-resources.ts';
import { handler } from './handler.ts';

type Asked = Body<typeof describeConfigsRequest>['resources'][number];
type Result = Input<typeof describeConfigsResponse>['results'][number];

export const describeConfigs = handler({
  name: 'DescribeConfigs',
  request: describeConfigsRequest,
  response: describeConfigsResponse,
  versions: [1, 4],
  notes: 'Topics, this broker, and the cluster-wide defaults of brokers.',
  handle: (broker, request) => ({
    results: request.resources.map((asked) =>
      describe(broker, asked, request.includeSynonyms, request.includeDocumentation),
    ),
  }),
});

const describe = (
  broker: BrokerServices,
  asked: Asked,
  withSynonyms: boolean,
  withDocumentation: boolean,
): Result => {
  const { resourceType, resourceName } = asked;
  const found = findResource(broker, resourceType, resourceName);
  if (!found.ok) {
    return {
      errorCode: found.errorCode,
      errorMessage: found.message,
      resourceType,
      resourceName,
      configs: [],
    };
  }
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    resourceType,
    resourceName,
    configs: descriptionsOf(broker, found.value, asked.configurationKeys).map((it) => ({
      name: it.name,
      value: it.value,
      readOnly: it.isReadOnly,
      isDefault: it.source === 5,
      configSource: it.source,
      isSensitive: it.isSensitive,
      synonyms: withSynonyms ? it.synonyms : [],
      configType: it.type,
      documentation: withDocumentation ? it.documentation : null,
    })),
  };
};

const descriptionsOf = (
  broker: BrokerServices,
  resource: ConfigResource,
  names: readonly string[] | null,
): readonly ConfigDescription[] => {
  if (resource.kind === 'topic')
    return broker.settings.describeTopic(resource.topic, undefined, names);
  if (resource.node !== 'default') return broker.settings.describeBroker(names);
  // The cluster-wide defaults are only what somebody set.
  const set = Object.keys(ownConfig(broker, resource));
  return broker.settings.describeBroker(set.filter((it) => names === null || names.includes(it)));
};
