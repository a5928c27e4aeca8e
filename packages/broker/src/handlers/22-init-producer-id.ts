/** InitProducerId: an id for an idempotent producer, or a higher epoch of the one that it has (KIP-360). */
import { ErrorCode, initProducerIdRequest, initProducerIdResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

/** No producer id, no epoch. */
const NONE = -1;

export const initProducerId = handler({
  name: 'InitProducerId',
  request: initProducerIdRequest,
  response: initProducerIdResponse,
  versions: [0, 5],
  notes:
    'Idempotent producers. No transactions yet: TRANSACTIONAL_ID_AUTHORIZATION_FAILED for a transactional id.',
  async handle(broker, request) {
    const refused = (errorCode: ErrorCode) => ({ errorCode, producerId: -1, producerEpoch: -1 });
    if (request.transactionalId !== null) {
      return refused(
        request.transactionalId === ''
          ? ErrorCode.INVALID_REQUEST
          : ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      );
    }
    const { producerId, producerEpoch } = request;
    // One without the other names nobody.
    if ((producerId === NONE) !== (producerEpoch === NONE))
      return refused(ErrorCode.INVALID_REQUEST);
    // Without a transactional id there is nobody to fence: a producer that lost its place gets a new id, as from Kafka.
    const next = await broker.producerIds.next();
    return next.ok
      ? { errorCode: ErrorCode.NONE, producerId: next.value, producerEpoch: 0 }
      : // Idempotent producers try again at this code; at others they would look for a transaction coordinator.
        refused(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  },
});
