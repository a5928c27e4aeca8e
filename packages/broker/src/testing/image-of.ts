/** A metadata image as tests describe it, and what becomes of it by a decision's operations. */
import { nodeId, leaderEpoch, type Uuid } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import type { PartitionAssignment } from '@odradek/replication';
import { MetadataImage, type NodeChange } from '../metadata/image.ts';
import { encodeNode, type BrokerNode } from '../metadata/nodes.ts';
import { brokerPath, partitionPath, topicPath } from '../metadata/paths.ts';

type Broker = Partial<Omit<BrokerNode, 'nodeId'>> & { readonly id: number };
export type Partition = {
  readonly [Key in keyof PartitionAssignment]?: PartitionAssignment[Key] extends
    | readonly (infer _)[]
    | undefined
    ? readonly number[]
    : PartitionAssignment[Key] extends boolean | undefined
      ? PartitionAssignment[Key]
      : number;
};

export const WORDS = 'words';
export const WORDS_ID = '0123456789abcdef0123456789abcdef' as Uuid;

/** Whatever is not said: all in sync, led by the first, in epoch 5 and its tenth registration. */
export const partitionOf = (over: Partition = {}): PartitionAssignment => {
  const replicas = over.replicas ?? [1, 2, 3];
  return {
    replicas,
    isr: over.isr ?? replicas,
    leader: over.leader ?? replicas[0]!,
    leaderEpoch: leaderEpoch(5),
    partitionEpoch: 10,
    ...over,
  } as PartitionAssignment;
};

export const brokerOf = ({ id, ...over }: Broker): BrokerNode => ({
  nodeId: nodeId(id),
  brokerEpoch: id * 100,
  incarnation: `disk ${id}` as Uuid,
  processId: `process ${id}` as Uuid,
  listeners: [],
  rack: null,
  fenced: false,
  ...over,
});

export const imageOf = (
  partitions: readonly Partition[],
  brokers: readonly Broker[] = [{ id: 1 }, { id: 2 }, { id: 3 }],
): MetadataImage => {
  const image = new MetadataImage();
  image.apply([
    ...brokers.map((it) => ({ path: brokerPath(nodeId(it.id)), value: encodeNode(brokerOf(it)) })),
    {
      path: topicPath(WORDS),
      value: encodeNode({ topicId: WORDS_ID, partitionCount: partitions.length }),
    },
    ...partitions.map((it, i) => ({
      path: partitionPath(WORDS, i),
      value: encodeNode(partitionOf(it)),
    })),
  ]);
  return image;
};

/** As the committed tree would. */
export const applyOps = (image: MetadataImage, ops: readonly TreeOp[]): void => {
  image.apply(
    ops.flatMap((op): NodeChange[] =>
      op.op === 'check'
        ? []
        : [{ path: op.path, value: op.op === 'delete' ? null : (op.value ?? new Uint8Array(0)) }],
    ),
  );
};

export const policyOf = (minInsyncReplicas = 2, isUncleanElectionEnabled = false) => ({
  minInsyncReplicas: () => minInsyncReplicas,
  isUncleanElectionEnabled: () => isUncleanElectionEnabled,
});
