/** DeleteRecords: moves the start of a log forward; -1 means up to the high watermark. */
import { ErrorCode, deleteRecordsRequest, deleteRecordsResponse, offset } from '@odradek/protocol';
import type { BrokerServices } from '../services.ts';
import { handler } from './handler.ts';
import { findPartition } from './partitions.ts';

const TO_HIGH_WATERMARK = -1;

export const deleteRecords = handler({
  name: 'DeleteRecords',
  request: deleteRecordsRequest,
  response: deleteRecordsResponse,
  versions: [0, 2],
  notes: '',
  async handle(broker, request) {
    const topics = await Promise.all(
      request.topics.map(async (topic) => ({
        name: topic.name,
        partitions: await Promise.all(
          topic.partitions.map(async (it) => ({
            partitionIndex: it.partitionIndex,
            ...(await deleteBefore(broker, topic.name, it.partitionIndex, it.offset)),
          })),
        ),
      })),
    );
    return { topics };
  },
});

const deleteBefore = async (
  broker: BrokerServices,
  topic: string,
  partition: number,
  before: number,
): Promise<{ lowWatermark: number; errorCode: ErrorCode }> => {
  const failed = (errorCode: ErrorCode): { lowWatermark: number; errorCode: ErrorCode } => ({
    lowWatermark: -1,
    errorCode,
  });
  const found = findPartition(broker, null, topic, partition);
  if (!found.ok) return failed(found.errorCode);
  if (found.topic.isInternal) return failed(ErrorCode.INVALID_TOPIC_EXCEPTION);
  const error = found.replica.leaderError(-1);
  const log = found.replica.log;
  if (error !== ErrorCode.NONE || log === undefined) return failed(error);
  if (!log.config.cleanupPolicy.includes('delete')) return failed(ErrorCode.POLICY_VIOLATION);
  const target = before === TO_HIGH_WATERMARK ? log.highWatermark : before;
  if (target < 0 || target > log.highWatermark) return failed(ErrorCode.OFFSET_OUT_OF_RANGE);
  try {
    if (log.deleteRecordsBefore(offset(target)) === undefined)
      return failed(ErrorCode.OFFSET_OUT_OF_RANGE);
    await broker.replicas.checkpointLogStarts();
    return { lowWatermark: log.logStartOffset, errorCode: ErrorCode.NONE };
  } catch (cause) {
    broker.logger.error('records could not be deleted', { topic, partition, error: cause });
    return failed(ErrorCode.KAFKA_STORAGE_ERROR);
  }
};
