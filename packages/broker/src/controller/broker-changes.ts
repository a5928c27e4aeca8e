/**
 * What the coming and going of a broker does to all partitions: a broker that is fenced, stops or loses its tail leaves the
 * ISRs and its leaderships move; one that may lead again leads what has no leader. A death moves thousands of leaders: the
 * operations are cut into proposals that the tree takes.
 */
import type { NodeId } from '@odradek/protocol';
import {
  elrOf,
  lastKnownElrOf,
  offlineOf,
  type PartitionAssignment,
  type ReplicationMutant,
} from '@odradek/replication';
import type { TreeOp } from '@odradek/quorum';
import type { MetadataImage } from '../metadata/image.ts';
import { encodeNode } from '../metadata/nodes.ts';
import { partitionPath } from '../metadata/paths.ts';
import { changePartition, type PartitionWish } from './partition-change.ts';
import type { TopicPolicy } from './topic-policy.ts';

/** Below the tree's own bound on one multi-operation. */
export const OPS_PER_PROPOSAL_MAX = 5_000;

/**
 * Registered, not fenced, not about to stop.
 */
export const isActive = (image: MetadataImage, node: NodeId): boolean => {
  const broker = image.brokers.get(node);
  return broker !== undefined && !broker.fenced && broker.inControlledShutdown !== true;
};

/** Refused by the tree if somebody else changed the partition: its version counts the changes, as its partition epoch does. */
export const partitionOp = (
  topic: string,
  partition: number,
  next: PartitionAssignment,
): TreeOp => ({
  op: 'set',
  path: partitionPath(topic, partition),
  value: encodeNode(next),
  expectedVersion: next.partitionEpoch - 1,
});

/** Fenced, unregistered or about to stop: it leaves every ISR that it is in, and leads nothing. */
export const brokerLeaves = (image: MetadataImage, policy: TopicPolicy, gone: NodeId): TreeOp[] =>
  changeAll(image, policy, {
    concerns: (known) => known.isr.includes(gone),
    wish: (known) => ({ isr: without(known.isr, gone) }),
    canLead: (node) => node !== gone && isActive(image, node),
  });

/** It stopped in order and begins a new life: its logs are opened anew, those that had failed too. */
export const brokerBegins = (image: MetadataImage, policy: TopicPolicy, node: NodeId): TreeOp[] =>
  changeAll(image, policy, {
    concerns: (known) => known.isr.includes(node) || offlineOf(known).includes(node),
    wish: (known) => ({ isr: without(known.isr, node), onlineReplica: node }),
    canLead: (it) => it !== node && isActive(image, it),
  });

/** It may lead from now on: what has no leader is led by it, if it may be. */
export const brokerReturns = (image: MetadataImage, policy: TopicPolicy, back: NodeId): TreeOp[] =>
  changeAll(image, policy, {
    concerns: (known) => known.leader < 0,
    wish: () => ({}),
    canLead: (node) => node === back || isActive(image, node),
  });

export interface TailLoss {
  readonly node: NodeId;
  /** It came back with no log at all. */
  readonly isEmpty: boolean;
  /** It is registered without being fenced, as a broker that is alone is: what it must lead, it leads at once. */
  readonly mayLead: boolean;
}

/** It stopped uncleanly: what it holds is less than it said (KIP-966). It is in sync with nothing, and eligible for nothing. */
export const brokerLostTail = (
  image: MetadataImage,
  policy: TopicPolicy,
  { node, isEmpty, mayLead }: TailLoss,
  mutant?: ReplicationMutant,
): TreeOp[] => {
  if (mutant === 'uncleanRestartElected') return [];
  const ops = changeAll(image, policy, {
    concerns: (known) =>
      (known.isr.includes(node) ||
        elrOf(known).includes(node) ||
        offlineOf(known).includes(node) ||
        (isEmpty && (known.lastKnownLeader === node || lastKnownElrOf(known).includes(node)))) &&
      !(mutant === 'lastReplicaStanding' && known.isr.length === 1),
    wish: (known) => ({
      isr: without(known.isr, node),
      uncleanReplica: node,
      onlineReplica: node,
      ...(isEmpty && { emptyReplica: node }),
    }),
    canLead: (it) => it !== node && isActive(image, it),
    ...(mayLead && { thenLeads: node }),
  });
  return ops;
};

/**
 * What a controller left half done that stopped between two proposals: members of ISRs who are down, and partitions without a
 * leader that could have one.
 */
export const repairs = (image: MetadataImage, policy: TopicPolicy): TreeOp[] =>
  changeAll(image, policy, {
    concerns: (known) => known.leader < 0 || known.isr.some((it) => !isActive(image, it)),
    wish: (known) => ({ isr: known.isr.filter((it) => isActive(image, it)) }),
    canLead: (node) => isActive(image, node),
  });

/** Leaders for what has none, where the topic says that losing records is better than waiting. */
export const uncleanElections = (image: MetadataImage, policy: TopicPolicy): TreeOp[] =>
  changeAll(image, policy, {
    concerns: (known, topic) => known.leader < 0 && policy.isUncleanElectionEnabled(topic),
    wish: () => ({}),
    canLead: (node) => isActive(image, node),
  });

/** The topic's `min.insync.replicas` was lowered: with more than enough in sync, nobody is merely eligible. */
export const minInsyncReplicasChanged = (
  image: MetadataImage,
  policy: TopicPolicy,
  topic: string,
): TreeOp[] =>
  changeAll(image, policy, {
    concerns: (known, name) => name === topic && elrOf(known).length > 0,
    wish: () => ({}),
    canLead: (node) => isActive(image, node),
  });

/** Whether the broker still leads something. */
export const leadsAny = (image: MetadataImage, node: NodeId): boolean => {
  for (const topic of image.topics.values()) {
    if (topic.partitions.some((it) => it.leader === node)) return true;
  }
  return false;
};

/** In proposals that the tree takes; whoever carries them out may stop in between, and goes on by deciding anew. */
export const inProposals = (ops: readonly TreeOp[]): readonly (readonly TreeOp[])[] => {
  const parts: (readonly TreeOp[])[] = [];
  for (let first = 0; first < ops.length; first += OPS_PER_PROPOSAL_MAX) {
    parts.push(ops.slice(first, first + OPS_PER_PROPOSAL_MAX));
  }
  return parts;
};

interface Sweep {
  concerns(known: PartitionAssignment, topic: string): boolean;
  wish(known: PartitionAssignment): PartitionWish;
  canLead(node: NodeId): boolean;
  /** Afterwards this one may lead too. */
  readonly thenLeads?: NodeId;
}

const changeAll = (image: MetadataImage, policy: TopicPolicy, sweep: Sweep): TreeOp[] => {
  const ops: TreeOp[] = [];
  for (const topic of image.topics.values()) {
    const { name, partitions } = topic;
    const minInsyncReplicas = policy.minInsyncReplicas(name);
    const election = policy.isUncleanElectionEnabled(name) ? 'unclean' : 'online';
    for (let partition = 0; partition < partitions.length; partition++) {
      const known = partitions[partition]!;
      if (!sweep.concerns(known, name)) continue;
      const context = { canLead: (it: NodeId) => sweep.canLead(it), minInsyncReplicas };
      let next = changePartition(known, { election, ...sweep.wish(known) }, context);
      const { thenLeads } = sweep;
      if (thenLeads !== undefined && (next ?? known).leader < 0) {
        const isLast = (next ?? known).lastKnownLeader === thenLeads;
        const led = changePartition(next ?? known, isLast ? { furthestReplica: thenLeads } : {}, {
          canLead: (it) => it === thenLeads || sweep.canLead(it),
          minInsyncReplicas,
        });
        // One change, not two: nobody has seen what was between them.
        if (led !== null) {
          next = {
            ...led,
            leaderEpoch: (known.leaderEpoch + 1) as PartitionAssignment['leaderEpoch'],
            partitionEpoch: known.partitionEpoch + 1,
          };
        }
      }
      if (next !== null) ops.push(partitionOp(name, partition, next));
    }
  }
  return ops;
};

const without = (nodes: readonly NodeId[], gone: NodeId): readonly NodeId[] =>
  nodes.filter((it) => it !== gone);
