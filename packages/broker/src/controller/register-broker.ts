/**
 * Decides a broker's registration at its start: a new broker epoch, and for the partitions that it leads a new leader
 * epoch when it stopped uncleanly, because what it wrote last may be gone and the same offsets may come to mean other
 * records (KIP-320 needs an epoch to tell them apart).
 */
import { leaderEpoch, type NodeId, type Uuid } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import type { MetadataImage } from '../metadata/image.ts';
import { encodeNode, type BrokerNode, type ListenerAddress } from '../metadata/nodes.ts';
import { brokerPath, partitionPath } from '../metadata/paths.ts';

export interface Registration {
  readonly nodeId: NodeId;
  readonly incarnation: Uuid;
  readonly listeners: readonly ListenerAddress[];
  readonly rack: string | null;
  readonly wasCleanShutdown: boolean;
}

export const decideRegistration = (
  registration: Registration,
  image: MetadataImage,
): readonly TreeOp[] => {
  const known = image.brokers.get(registration.nodeId);
  const node: BrokerNode = {
    nodeId: registration.nodeId,
    brokerEpoch: (known?.brokerEpoch ?? 0) + 1,
    incarnation: registration.incarnation,
    listeners: registration.listeners,
    rack: registration.rack,
    fenced: false,
  };
  const ops: TreeOp[] = [
    {
      op: known === undefined ? 'create' : 'set',
      path: brokerPath(registration.nodeId),
      value: encodeNode(node),
    },
  ];
  if (known === undefined || registration.wasCleanShutdown) return ops;
  for (const topic of image.topics.values()) {
    topic.partitions.forEach((assignment, partition) => {
      if (assignment.leader !== registration.nodeId) return;
      ops.push({
        op: 'set',
        path: partitionPath(topic.name, partition),
        value: encodeNode({
          ...assignment,
          leaderEpoch: leaderEpoch(assignment.leaderEpoch + 1),
          partitionEpoch: assignment.partitionEpoch + 1,
        }),
      });
    });
  }
  return ops;
};
