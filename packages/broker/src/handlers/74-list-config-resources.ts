/** ListConfigResources: what has a configuration. Version 0 asks for client metrics only, of which there are none. */
import {
  ErrorCode,
  listConfigResourcesRequest,
  listConfigResourcesResponse,
} from '@odradek/protocol';
import { ResourceType } from './config-resources.ts';
import { handler } from './handler.ts';

export const listConfigResources = handler({
  name: 'ListConfigResources',
  request: listConfigResourcesRequest,
  response: listConfigResourcesResponse,
  versions: [0, 1],
  notes: 'Topics and brokers; there are no client metrics, broker loggers or group configurations.',
  handle(broker, request, context) {
    const isAsked = (type: number): boolean =>
      context.apiVersion >= 1 &&
      (request.resourceTypes.length === 0 || request.resourceTypes.includes(type));
    const known: readonly number[] = Object.values(ResourceType);
    if (request.resourceTypes.some((it) => !known.includes(it))) {
      return { errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] };
    }
    const topics = isAsked(ResourceType.TOPIC) ? [...broker.image.topics.keys()] : [];
    const brokers = isAsked(ResourceType.BROKER) ? [...broker.image.brokers.keys()] : [];
    return {
      errorCode: ErrorCode.NONE,
      configResources: [
        ...topics.map((it) => ({ resourceName: it, resourceType: ResourceType.TOPIC })),
        ...brokers.map((it) => ({ resourceName: String(it), resourceType: ResourceType.BROKER })),
      ],
    };
  },
});
