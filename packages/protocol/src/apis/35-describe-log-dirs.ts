/**
 * DescribeLogDirs: key 35, versions 1 to 4, flexible from 2.
 *
 * 3: an error for the whole. 4: size of the volume (KIP-827).
 */
import { array, boolean, errorCode, int32, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Tells the log directories of a broker, and how large the replicas in them are. */
export const describeLogDirsRequest = /*@__PURE__*/ message(
  { key: 35, name: 'DescribeLogDirsRequest', versions: [1, 4], flexible: 2 },
  () => ({
    /** Null: all. */
    topics: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      { nullable: true },
    ),
  }),
);
export type DescribeLogDirsRequest = Body<typeof describeLogDirsRequest>;

/** KAFKA_STORAGE_ERROR: the directory is offline. CLUSTER_AUTHORIZATION_FAILED. */
export const describeLogDirsResponse = /*@__PURE__*/ message(
  { key: 35, name: 'DescribeLogDirsResponse', versions: [1, 4], flexible: 2 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode({ since: 3 }),
    results: array({
      errorCode: errorCode(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          /** A replica that is being moved here. */
          isFutureKey: boolean(),
        }),
      }),
      totalBytes: int64({ since: 4, default: -1 }),
      usableBytes: int64({ since: 4, default: -1 }),
    }),
  }),
);
export type DescribeLogDirsResponse = Body<typeof describeLogDirsResponse>;
