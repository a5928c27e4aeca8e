/** ElectLeaders: the preferred replicas, or any where there is no leader (KIP-460). */
import { ErrorCode, electLeadersRequest, electLeadersResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const electLeaders = handler({
  name: 'ElectLeaders',
  request: electLeadersRequest,
  response: electLeadersResponse,
  versions: [0, 2],
  notes: 'Answered by the controller, wherever the client asks.',
  async handle(broker, request) {
    const refused = (errorCode: ErrorCode) => ({ errorCode, replicaElectionResults: [] });
    const controller = broker.clusterController();
    if (controller === undefined) return refused(ErrorCode.NOT_CONTROLLER);
    const elected = await controller.electLeaders(request);
    if (!elected.ok) return refused(elected.errorCode);
    return {
      errorCode: ErrorCode.NONE,
      replicaElectionResults: [...elected.value].map(([topic, results]) => ({
        topic,
        partitionResult: results.map((it) => ({
          partitionId: it.partition,
          errorCode: it.errorCode,
          errorMessage: it.message,
        })),
      })),
    };
  },
});
