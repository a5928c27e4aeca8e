/** FindCoordinator: the leader of the group's partition of __consumer_offsets, which is made when first asked for. */
import { ErrorCode, findCoordinatorRequest, findCoordinatorResponse } from '@odradek/protocol';
import type { BrokerServices } from '../services.ts';
import { addressOn } from './addresses.ts';
import { handler } from './handler.ts';

const KEY_TYPE_GROUP = 0;
const KEY_TYPE_TRANSACTION = 1;

interface Coordinator {
  readonly key: string;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

export const findCoordinator = handler({
  name: 'FindCoordinator',
  request: findCoordinatorRequest,
  response: findCoordinatorResponse,
  versions: [0, 6],
  notes:
    'Group coordinators. No transactions yet: TRANSACTIONAL_ID_AUTHORIZATION_FAILED, at which every client gives up. Share coordinators: INVALID_REQUEST.',
  async handle(broker, request, context) {
    const keys = context.apiVersion >= 4 ? request.coordinatorKeys : [request.key];
    const coordinators: Coordinator[] = [];
    for (const key of keys)
      coordinators.push(await find(broker, key, request.keyType, context.listenerName));
    if (context.apiVersion >= 4) return { coordinators };
    const { nodeId, host, port, errorCode, errorMessage } = coordinators[0]!;
    return { nodeId, host, port, errorCode, errorMessage };
  },
});

const find = async (
  broker: BrokerServices,
  key: string,
  keyType: number,
  listenerName: string,
): Promise<Coordinator> => {
  const none = (errorCode: ErrorCode, errorMessage: string | null): Coordinator => ({
    key,
    nodeId: -1,
    host: '',
    port: -1,
    errorCode,
    errorMessage,
  });
  if (keyType === KEY_TYPE_TRANSACTION) {
    // librdkafka asks again for ever at any error but the two of authorization.
    return none(
      ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      'transactions are not supported by this version',
    );
  }
  if (keyType !== KEY_TYPE_GROUP) {
    return none(
      ErrorCode.INVALID_REQUEST,
      'this version coordinates consumer groups only, not share groups',
    );
  }
  const errorCode = await broker.internalTopics.ensureOffsetsTopic();
  if (errorCode !== ErrorCode.NONE) return none(ErrorCode.COORDINATOR_NOT_AVAILABLE, null);
  const assignment = broker.image.partition('__consumer_offsets', broker.groups.partitionFor(key));
  const leader = assignment === undefined ? undefined : broker.image.brokers.get(assignment.leader);
  const address = leader === undefined ? undefined : addressOn(leader, listenerName);
  if (address === undefined) return none(ErrorCode.COORDINATOR_NOT_AVAILABLE, null);
  return { key, ...address, errorCode: ErrorCode.NONE, errorMessage: null };
};
