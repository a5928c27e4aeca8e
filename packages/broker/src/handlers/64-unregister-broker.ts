/** UnregisterBroker: a broker that will not come back is forgotten (KIP-631). */
import {
  ErrorCode,
  nodeId,
  unregisterBrokerRequest,
  unregisterBrokerResponse,
} from '@odradek/protocol';
import { handler } from './handler.ts';

export const unregisterBroker = handler({
  name: 'UnregisterBroker',
  request: unregisterBrokerRequest,
  response: unregisterBrokerResponse,
  versions: [0, 0],
  notes: 'Answered by the controller, wherever the client asks.',
  async handle(broker, { brokerId }) {
    const controller = broker.clusterController();
    if (controller === undefined)
      return { errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: 'this is not the controller' };
    // Kafka would let it go, and see it come back; here what it leads would be without a leader meanwhile.
    if (broker.image.brokers.get(nodeId(brokerId))?.fenced === false)
      return {
        errorCode: ErrorCode.INVALID_REQUEST,
        errorMessage: `broker ${brokerId} is running: stop it first`,
      };
    const done = await controller.unregister(nodeId(brokerId));
    return done.ok
      ? { errorCode: ErrorCode.NONE, errorMessage: null }
      : { errorCode: done.errorCode, errorMessage: done.message };
  },
});
