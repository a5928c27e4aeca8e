/** AlterPartitionReassignments: partitions move to other replicas, or a move is called off (KIP-455). */
import {
  ErrorCode,
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from '@odradek/protocol';
import { byTopic } from './by-topic.ts';
import { handler } from './handler.ts';

export const alterPartitionReassignments = handler({
  name: 'AlterPartitionReassignments',
  request: alterPartitionReassignmentsRequest,
  response: alterPartitionReassignmentsResponse,
  versions: [0, 1],
  notes: 'Answered by the controller, wherever the client asks.',
  async handle(broker, request) {
    const { allowReplicationFactorChange } = request;
    const refused = (errorCode: ErrorCode, errorMessage: string | null) => ({
      allowReplicationFactorChange,
      errorCode,
      errorMessage,
      responses: [],
    });
    const controller = broker.clusterController();
    if (controller === undefined)
      return refused(ErrorCode.NOT_CONTROLLER, 'this broker is not the controller');
    const altered = await controller.alterReassignments(request);
    if (!altered.ok) return refused(altered.errorCode, altered.message);
    return {
      allowReplicationFactorChange,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      responses: byTopic(altered.value).map(([name, results]) => ({
        name,
        partitions: results.map((it) => ({
          partitionIndex: it.partition,
          errorCode: it.errorCode,
          errorMessage: it.message,
        })),
      })),
    };
  },
});
