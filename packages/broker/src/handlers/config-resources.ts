/** What the three config APIs call a resource, and how one is found or refused. */
import { ErrorCode, nodeId } from '@odradek/protocol';
import type { ConfigResource } from '../controller/controller.ts';
import { decided, refuse, type Decision } from '../controller/outcome.ts';
import { topicNameProblem } from '../controller/topic-name.ts';
import type { ConfigNode } from '../metadata/nodes.ts';
import type { BrokerServices } from '../services.ts';

/** Kafka's codes. */
export const ResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

export const findResource = (
  broker: BrokerServices,
  type: number,
  name: string,
): Decision<ConfigResource> => {
  switch (type) {
    case ResourceType.TOPIC: {
      const problem = topicNameProblem(name);
      if (problem !== null) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
      return broker.image.topics.has(name)
        ? decided({ kind: 'topic', topic: name })
        : refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic "${name}" is not there`);
    }
    case ResourceType.BROKER:
      if (name === '') return decided({ kind: 'broker', node: 'default' });
      // Whoever is the controller alters the configuration of any broker.
      return name === String(broker.nodeId) || isOther(broker, name)
        ? decided({ kind: 'broker', node: nodeId(Number(name)) })
        : refuse(ErrorCode.INVALID_REQUEST, `this is broker ${broker.nodeId}, not ${name}`);
    default:
      return refuse(
        ErrorCode.INVALID_REQUEST,
        `resources of type ${type} have no configuration here`,
      );
  }
};

export interface NamedResource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export const resourceKey = ({ resourceType, resourceName }: NamedResource): string =>
  `${resourceType} ${resourceName}`;

export const TWICE: Decision<null> = refuse(
  ErrorCode.INVALID_REQUEST,
  'the resource stands twice in the request',
);

export const responseOf = (
  { resourceType, resourceName }: NamedResource,
  decision: Decision<null>,
) => ({
  resourceType,
  resourceName,
  errorCode: decision.ok ? ErrorCode.NONE : decision.errorCode,
  errorMessage: decision.ok ? null : decision.message,
});

type Entries = readonly { readonly key: string; readonly value: string }[];

/** The whole of what a resource would set itself, if it may. Kafka has two codes for the same fault (KAFKA-13609). */
export const checkedConfig = (
  { settings }: BrokerServices,
  resource: ConfigResource,
  config: Entries | ConfigNode,
): Decision<ConfigNode> => {
  const entries = isEntries(config)
    ? config
    : Object.entries(config).map(([key, value]) => ({ key, value }));
  const problem =
    resource.kind === 'topic'
      ? settings.topicProblem(entries)
      : settings.brokerProblem(resource.node, entries);
  if (problem !== null) {
    const code = resource.kind === 'topic' ? ErrorCode.INVALID_CONFIG : ErrorCode.INVALID_REQUEST;
    return refuse(code, problem);
  }
  return decided(Object.fromEntries(entries.map(({ key, value }) => [key, value])));
};

const isEntries = (config: Entries | ConfigNode): config is Entries => Array.isArray(config);

const isOther = ({ image }: BrokerServices, name: string): boolean =>
  /^\d{1,9}$/.test(name) && image.brokers.has(nodeId(Number(name)));
