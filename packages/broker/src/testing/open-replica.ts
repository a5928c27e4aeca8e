/** One partition that leads, over a real log on a memory disk: for what needs partitions and no broker. */
import { PartitionLog, defaultLogConfig } from '@odradek/log';
import { silentLogger, type Clock } from '@odradek/ports';
import { crc32cJs, leaderEpoch, nodeId, type Uuid } from '@odradek/protocol';
import { PartitionReplica } from '@odradek/replication';
import { MemoryDisk } from '@odradek/storage/memory';
import { batchOf } from './records.ts';
import { seededRandom } from './test-broker.ts';

export interface OpenReplica {
  readonly replica: PartitionReplica;
  readonly log: PartitionLog;
  /** One batch; resolves when it is committed. */
  append(...values: string[]): Promise<void>;
}

const ID = '0123456789abcdef0123456789abcdef' as Uuid;

export const openReplica = async (
  topic: string,
  clock: Clock,
  disk: MemoryDisk = new MemoryDisk({ random: seededRandom(1) }),
): Promise<OpenReplica> => {
  const log = await PartitionLog.open({
    topic,
    partition: 0,
    topicId: ID,
    config: defaultLogConfig,
    volume: disk.mount(),
    clock,
    random: seededRandom(2),
    logger: silentLogger,
    crc32c: crc32cJs,
    compression: { compress: (_, bytes) => bytes, decompress: (_, bytes) => bytes },
  });
  const self = nodeId(1);
  const replica = new PartitionReplica({
    topic,
    partition: 0,
    nodeId: self,
    settings: { minInsyncReplicas: 1 },
    onReadFailed() {},
  });
  replica.attach(log);
  replica.lead({
    replicas: [self],
    isr: [self],
    leader: self,
    leaderEpoch: leaderEpoch(0),
    partitionEpoch: 0,
  });
  return {
    replica,
    log,
    append: (...values) =>
      new Promise((resolve, reject) => {
        const request = { records: batchOf(values), acks: -1, origin: 'client' } as const;
        const outcome = replica.append(request, () => resolve());
        if (outcome.status === 'refused') reject(new Error(outcome.message));
      }),
  };
};
