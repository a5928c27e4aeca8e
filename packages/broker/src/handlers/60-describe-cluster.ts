/** DescribeCluster: id, controller, brokers at the addresses of the listener that was asked. */
import {
  ErrorCode,
  describeClusterRequest,
  describeClusterResponse,
  type DescribeClusterRequest,
  type Input,
} from '@odradek/protocol';
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from '../authorized-operations.ts';
import { addressesOf } from './addresses.ts';
import type { BrokerServices } from '../services.ts';
import { handler, type RequestContext } from './handler.ts';

const ENDPOINT_BROKERS = 1;
const ENDPOINT_CONTROLLERS = 2;

export const describeCluster = handler({
  name: 'DescribeCluster',
  request: describeClusterRequest,
  response: describeClusterResponse,
  versions: [0, 2],
  notes:
    'Brokers; a node that is no broker tells of itself as a controller. Whoever asks a broker for controllers, or such a controller for brokers, is refused.',
  handle(broker, request, context) {
    const address = broker.controllerAddress?.(context.listenerName);
    if (address !== undefined) return describeController(broker, request, context, address);
    if (context.apiVersion >= 1 && request.endpointType !== ENDPOINT_BROKERS) {
      return {
        errorCode:
          request.endpointType === ENDPOINT_CONTROLLERS
            ? ErrorCode.MISMATCHED_ENDPOINT_TYPE
            : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
        errorMessage: 'this is a broker listener: ask for brokers',
        endpointType: ENDPOINT_BROKERS,
        clusterId: broker.image.clusterId,
        brokers: [],
      };
    }
    return {
      errorCode: ErrorCode.NONE,
      endpointType: ENDPOINT_BROKERS,
      clusterId: broker.image.clusterId,
      controllerId: broker.nodeId,
      brokers: addressesOf(broker, context.listenerName).map(({ nodeId, ...address }) => ({
        brokerId: nodeId,
        ...address,
        isFenced: false,
      })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED,
    };
  },
});

/** Any of them brings what it is asked to the one that leads (KIP-590): so it names itself (KIP-919). */
const describeController = (
  { nodeId, image }: BrokerServices,
  { endpointType, includeClusterAuthorizedOperations }: DescribeClusterRequest,
  { apiVersion }: RequestContext,
  address: { readonly host: string; readonly port: number },
): Input<typeof describeClusterResponse> => {
  if (apiVersion < 1 || endpointType !== ENDPOINT_CONTROLLERS)
    return {
      errorCode: ErrorCode.MISMATCHED_ENDPOINT_TYPE,
      errorMessage: "this is a controller's listener: ask for controllers",
      endpointType: ENDPOINT_CONTROLLERS,
      clusterId: image.clusterId,
      brokers: [],
    };
  return {
    errorCode: ErrorCode.NONE,
    endpointType: ENDPOINT_CONTROLLERS,
    clusterId: image.clusterId,
    controllerId: nodeId,
    brokers: [{ brokerId: nodeId, ...address, rack: null, isFenced: false }],
    clusterAuthorizedOperations: includeClusterAuthorizedOperations
      ? CLUSTER_OPERATIONS
      : OPERATIONS_NOT_ASKED,
  };
};
