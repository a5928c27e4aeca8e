/** What the nodes of the cluster's part of the tree hold: JSON, so that a person can read the metadata log. */
import { utf8Decode, utf8Encode, type NodeId, type Uuid } from '@odradek/protocol';

export interface ClusterNode {
  readonly clusterId: string;
}

export interface ListenerAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface BrokerNode {
  readonly nodeId: NodeId;
  /** Counts registrations in the cluster; fences what an older life of the broker still sends (KIP-631). */
  readonly brokerEpoch: number;
  /** Changes when the broker's storage came back empty. */
  readonly incarnation: Uuid;
  /** New with each start of the broker (KIP-631's incarnation); absent for one that registers with itself. */
  readonly processId?: Uuid;
  readonly listeners: readonly ListenerAddress[];
  readonly rack: string | null;
  readonly fenced: boolean;
  /** It is about to stop, and hands its leaderships over: it gets no new ones. */
  readonly inControlledShutdown?: true;
}

/** What is left of brokers that were unregistered: a later life of one of them has a larger epoch than all of before. */
export interface BrokerEpochsNode {
  readonly lastBrokerEpoch: number;
}

export interface TopicNode {
  readonly topicId: Uuid;
  readonly partitionCount: number;
}

export type ConfigNode = Readonly<Record<string, string>>;

export interface ProducerIdsNode {
  readonly nextProducerId: number;
}

export interface DeletionNode {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export const encodeNode = (value: object): Uint8Array => utf8Encode(JSON.stringify(value));
export const decodeNode = <T>(bytes: Uint8Array): T => JSON.parse(utf8Decode(bytes)) as T;
