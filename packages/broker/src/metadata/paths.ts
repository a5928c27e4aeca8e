/**
 * Where the cluster's own state lives in the ensemble's tree. One place for every path, so that no other file joins strings.
 *
 * /cluster                                {clusterId}
 * /brokers/<nodeId>                       BrokerRegistration
 * /topics/<name>                          {topicId}
 * /topics/<name>/<partition>              PartitionAssignment
 * /config/topics/<name>                   {key: value}
 * /config/brokers/<nodeId>                {key: value}     nodeId 'default' holds for all brokers
 * /ids/producers                          {nextProducerId}
 * /ids/brokers                            {lastBrokerEpoch}
 * /ids/removed-voters/<nodeId>            {}               taken out of the quorum by a person: it does not come back by itself
 * /deletions/<nodeId>/<topicId>           {topic, partitions}   files which that broker has yet to remove
 * /app                                    the applications' own: coordination/app-paths.ts
 */
import type { NodeId, Uuid } from '@odradek/protocol';

export const CLUSTER_PATH = '/cluster';
export const PRODUCER_IDS_PATH = '/ids/producers';
export const BROKER_EPOCHS_PATH = '/ids/brokers';
export const REMOVED_VOTERS_PATH = '/ids/removed-voters';

/** Folders that exist from the first start on. */
export const ROOT_PATHS: readonly string[] = [
  '/brokers',
  '/topics',
  '/config',
  '/config/topics',
  '/config/brokers',
  '/ids',
  '/deletions',
  '/app',
];

export const brokerPath = (node: NodeId): string => `/brokers/${node}`;
export const topicPath = (topic: string): string => `/topics/${topic}`;
export const partitionPath = (topic: string, partition: number): string =>
  `/topics/${topic}/${partition}`;
export const topicConfigPath = (topic: string): string => `/config/topics/${topic}`;
/** `node` 'default' is the cluster-wide default (KIP-226). */
export const brokerConfigPath = (node: NodeId | 'default'): string => `/config/brokers/${node}`;
export const removedVoterPath = (node: NodeId): string => `${REMOVED_VOTERS_PATH}/${node}`;
export const deletionsPath = (node: NodeId): string => `/deletions/${node}`;
export const deletionPath = (node: NodeId, topicId: Uuid): string =>
  `/deletions/${node}/${topicId}`;

export type MetadataPath =
  | { readonly kind: 'cluster' }
  | { readonly kind: 'broker'; readonly nodeId: NodeId }
  | { readonly kind: 'topic'; readonly topic: string }
  | { readonly kind: 'partition'; readonly topic: string; readonly partition: number }
  | { readonly kind: 'topicConfig'; readonly topic: string }
  | { readonly kind: 'brokerConfig'; readonly node: string }
  | { readonly kind: 'producerIds' }
  | { readonly kind: 'brokerEpochs' }
  | { readonly kind: 'deletion'; readonly nodeId: NodeId; readonly topicId: Uuid }
  /** A folder, or a part of the tree that belongs to applications. */
  | { readonly kind: 'other' };

/** What a path of the tree means. */
export const parsePath = (path: string): MetadataPath => {
  const [, root, first, second, third] = path.split('/');
  if (third !== undefined) return { kind: 'other' };
  if (root === 'cluster' && first === undefined) return { kind: 'cluster' };
  if (root === 'brokers' && first !== undefined && second === undefined) {
    return { kind: 'broker', nodeId: Number(first) as NodeId };
  }
  if (root === 'topics' && first !== undefined) {
    return second === undefined
      ? { kind: 'topic', topic: first }
      : { kind: 'partition', topic: first, partition: Number(second) };
  }
  if (root === 'config' && first === 'topics' && second !== undefined) {
    return { kind: 'topicConfig', topic: second };
  }
  if (root === 'config' && first === 'brokers' && second !== undefined) {
    return { kind: 'brokerConfig', node: second };
  }
  if (root === 'ids' && first === 'producers' && second === undefined)
    return { kind: 'producerIds' };
  if (path === BROKER_EPOCHS_PATH) return { kind: 'brokerEpochs' };
  if (root === 'deletions' && first !== undefined && second !== undefined) {
    return { kind: 'deletion', nodeId: Number(first) as NodeId, topicId: second as Uuid };
  }
  return { kind: 'other' };
};
