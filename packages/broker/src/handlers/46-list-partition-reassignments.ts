/** ListPartitionReassignments: what is being moved, and how far (KIP-455). */
import {
  ErrorCode,
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from '@odradek/protocol';
import { listReassignments } from '../controller/reassignments.ts';
import { byTopic } from './by-topic.ts';
import { handler } from './handler.ts';

export const listPartitionReassignments = handler({
  name: 'ListPartitionReassignments',
  request: listPartitionReassignmentsRequest,
  response: listPartitionReassignmentsResponse,
  versions: [0, 0],
  notes: 'Answered by the controller, wherever the client asks.',
  handle: (broker, { topics }) => ({
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topics: byTopic(listReassignments(topics, broker.image)).map(([name, moves]) => ({
      name,
      partitions: moves.map(({ partition, replicas, addingReplicas, removingReplicas }) => ({
        partitionIndex: partition,
        replicas,
        addingReplicas,
        removingReplicas,
      })),
    })),
  }),
});
