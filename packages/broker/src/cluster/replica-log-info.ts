/**
 * What the controller asks of replicas where nobody is sure to hold everything that was committed (KIP-966): both ends of the
 * question. A broker whose log is not open yet, or has failed without being damaged, says nothing of it: a later answer, or a
 * restart, may.
 */
import {
  ErrorCode,
  nodeId,
  type Body,
  type Input,
  type NodeId,
  type Uuid,
} from '@odradek/protocol';
import {
  forsakenKey,
  type ForsakenPartition,
  type ReplicaLogInfo,
} from '../controller/forsaken-partitions.ts';
import type { PeerApi } from '../peers/peer-channel.ts';
import type { ReplicaManager } from '../replica-manager.ts';
import { GET_REPLICA_LOG_INFO } from './controller-apis.ts';

type Request = Body<typeof GET_REPLICA_LOG_INFO.request>;
type Response = Input<typeof GET_REPLICA_LOG_INFO.response>;

/** Nobody waits for one that has just died. */
const TIMEOUT_MS = 2_000;

export const logInfoOf = (
  { topicPartitions }: Request,
  replicas: Pick<ReplicaManager, 'logInfo'>,
  brokerEpoch: number,
): Response => ({
  brokerEpoch,
  topicPartitionLogInfoList: topicPartitions.map(({ topicId, partitions }) => ({
    topicId,
    partitionLogInfo: partitions.map((partition) => {
      const info = replicas.logInfo(topicId, partition);
      if (info === undefined) {
        return { partition, errorCode: ErrorCode.REPLICA_NOT_AVAILABLE };
      }
      return {
        partition,
        lastWrittenLeaderEpoch: info.lastEpoch,
        logEndOffset: info.logEndOffset,
        errorCode: info.isDamaged ? ErrorCode.CORRUPT_MESSAGE : ErrorCode.NONE,
        isWhole: info.isWhole,
        isFlushed: info.isFlushed,
      };
    }),
  })),
});

export type AskReplica = (
  node: NodeId,
  api: PeerApi<typeof GET_REPLICA_LOG_INFO.request, typeof GET_REPLICA_LOG_INFO.response>,
  request: Input<typeof GET_REPLICA_LOG_INFO.request>,
  timeoutMs: number,
) => Promise<Body<typeof GET_REPLICA_LOG_INFO.response>>;

/** Of one broker. Empty when it does not answer. */
export const askLogInfo = async (
  ask: AskReplica,
  asker: NodeId,
  node: NodeId,
  partitions: readonly ForsakenPartition[],
): Promise<ReadonlyMap<string, ReplicaLogInfo>> => {
  const infos = new Map<string, ReplicaLogInfo>();
  const byTopic = new Map<string, number[]>();
  for (const { topicId, partition } of partitions) {
    const known = byTopic.get(topicId);
    if (known === undefined) byTopic.set(topicId, [partition]);
    else known.push(partition);
  }
  const topicPartitions = [...byTopic].map(([topicId, indexes]) => ({
    topicId: topicId as Uuid,
    partitions: indexes,
  }));
  let answer: Body<typeof GET_REPLICA_LOG_INFO.response>;
  try {
    answer = await ask(
      node,
      GET_REPLICA_LOG_INFO,
      { brokerId: asker, topicPartitions },
      TIMEOUT_MS,
    );
  } catch {
    return infos;
  }
  for (const { topicId, partitionLogInfo } of answer.topicPartitionLogInfoList) {
    for (const it of partitionLogInfo) {
      const isDamaged = it.errorCode === ErrorCode.CORRUPT_MESSAGE;
      if (it.errorCode !== ErrorCode.NONE && !isDamaged) continue;
      infos.set(forsakenKey(topicId, it.partition), {
        nodeId: nodeId(node),
        brokerEpoch: answer.brokerEpoch,
        lastEpoch: it.lastWrittenLeaderEpoch,
        logEndOffset: it.logEndOffset,
        isDamaged,
        isWhole: it.isWhole && !isDamaged,
        isFlushed: it.isFlushed,
      });
    }
  }
  return infos;
};
