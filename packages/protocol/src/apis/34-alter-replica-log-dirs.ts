/** AlterReplicaLogDirs: key 34, versions 1 to 2, flexible from 2. */
import { array, errorCode, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Moves replicas to another log directory of the same broker. */
export const alterReplicaLogDirsRequest = /*@__PURE__*/ message(
  { key: 34, name: 'AlterReplicaLogDirsRequest', versions: [1, 2], flexible: 2 },
  () => ({
    dirs: array({
      path: string(),
      topics: array({
        name: string(),
        partitions: array(int32()),
      }),
    }),
  }),
);
export type AlterReplicaLogDirsRequest = Body<typeof alterReplicaLogDirsRequest>;

/** LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR, REPLICA_NOT_AVAILABLE. */
export const alterReplicaLogDirsResponse = /*@__PURE__*/ message(
  { key: 34, name: 'AlterReplicaLogDirsResponse', versions: [1, 2], flexible: 2 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    results: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
      }),
    }),
  }),
);
export type AlterReplicaLogDirsResponse = Body<typeof alterReplicaLogDirsResponse>;
