/** DescribeCluster: id, controller, brokers at the addresses of the listener that was asked. */
import { ErrorCode, describeClusterRequest, describeClusterResponse } from '@odradek/protocol';
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from '../authorized-operations.ts';
import { addressesOf } from './addresses.ts';
import { handler } from './handler.ts';

const ENDPOINT_BROKERS = 1;
const ENDPOINT_CONTROLLERS = 2;

export const describeCluster = handler({
  name: 'DescribeCluster',
  request: describeClusterRequest,
  response: describeClusterResponse,
  versions: [0, 2],
  notes: 'Brokers; the controller endpoint type is refused.',
  handle(broker, request, context) {
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
