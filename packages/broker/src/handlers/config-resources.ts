/** What the three config APIs call a resource, and how one is found or refused. */
import { ErrorCode } from '@odradek/protocol';
import type { ConfigResource } from '../controller/controller.ts';
import { decided, refuse, type Decision } from '../controller/outcome.ts';
import { topicNameProblem } from '../controller/topic-name.ts';
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
      return name === String(broker.nodeId)
        ? decided({ kind: 'broker', node: broker.nodeId })
        : refuse(ErrorCode.INVALID_REQUEST, `this is broker ${broker.nodeId}, not ${name}`);
    default:
      return refuse(
        ErrorCode.INVALID_REQUEST,
        `resources of type ${type} have no configuration here`,
      );
  }
};

/** The keys that a resource sets itself. */
export const ownConfig = (
  broker: BrokerServices,
  resource: ConfigResource,
): Readonly<Record<string, string>> =>
  (resource.kind === 'topic'
    ? broker.image.topicConfigs.get(resource.topic)
    : broker.image.brokerConfigs.get(String(resource.node))) ?? {};
