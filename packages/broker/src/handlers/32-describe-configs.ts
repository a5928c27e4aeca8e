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
import { findResource } from './config-resources.ts';
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
  { settings }: BrokerServices,
  resource: ConfigResource,
  asked: readonly string[] | null,
): readonly ConfigDescription[] => {
  // An empty list means all, as null does.
  const names = asked === null || asked.length === 0 ? null : asked;
  if (resource.kind === 'topic') return settings.describeTopic(resource.topic, undefined, names);
  return resource.node === 'default'
    ? settings.describeBrokerDefaults(names)
    : settings.describeBroker(names);
};
