/**
 * Decides a broker's registration at its start: a new broker epoch, and what its last stop means for the partitions that it
 * held. After an unclean one what it wrote last may be gone, and the same offsets may come to mean other records (KIP-320):
 * it is in sync with nothing before it has caught up (KIP-966).
 *
 * A broker of a cluster registers fenced, and leads again when it has been unfenced. One that is alone registers with itself,
 * and goes on at once.
 */
import { ErrorCode, type NodeId, type Uuid } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import type { ReplicationMutant } from '@odradek/replication';
import type { MetadataImage } from '../metadata/image.ts';
import { encodeNode, type BrokerNode, type ListenerAddress } from '../metadata/nodes.ts';
import { brokerPath, deletionsPath } from '../metadata/paths.ts';
import { brokerBegins, brokerLostTail } from './broker-changes.ts';
import { decided, refuse, type Decision } from './outcome.ts';
import { DEFAULT_TOPIC_POLICY, type TopicPolicy } from './topic-policy.ts';

export interface Registration {
  readonly nodeId: NodeId;
  readonly incarnation: Uuid;
  readonly listeners: readonly ListenerAddress[];
  readonly rack: string | null;
  readonly wasCleanShutdown: boolean;
}

/** New epochs first, the registration last: a crash in between only makes the epochs rise once more. */
export const decideRegistration = (
  registration: Registration,
  image: MetadataImage,
  policy: TopicPolicy = DEFAULT_TOPIC_POLICY,
): readonly TreeOp[] => {
  const known = image.brokers.get(registration.nodeId);
  const node: BrokerNode = {
    nodeId: registration.nodeId,
    brokerEpoch: nextBrokerEpoch(image, known),
    incarnation: registration.incarnation,
    listeners: registration.listeners,
    rack: registration.rack,
    fenced: false,
  };
  const moved =
    known === undefined || registration.wasCleanShutdown
      ? []
      : brokerLostTail(image, policy, { node: registration.nodeId, isEmpty: false, mayLead: true });
  return [...moved, ...registrationOps(node, known)];
};

export interface ClusterRegistration {
  readonly nodeId: NodeId;
  /** Of its storage. */
  readonly incarnation: Uuid;
  /** Of its process. */
  readonly processId: Uuid;
  readonly listeners: readonly ListenerAddress[];
  readonly rack: string | null;
  /** The epoch that it had when it stopped cleanly; -1 otherwise. */
  readonly previousBrokerEpoch: number;
}

export interface Registered {
  readonly ops: readonly TreeOp[];
  readonly brokerEpoch: number;
}

/** `isAlive`: a broker of that id has been heard of within its session. */
export const decideClusterRegistration = (
  registration: ClusterRegistration,
  image: MetadataImage,
  policy: TopicPolicy,
  isAlive: boolean,
  mutant?: ReplicationMutant,
): Decision<Registered> => {
  const { nodeId, incarnation, processId, listeners, rack } = registration;
  const known = image.brokers.get(nodeId);
  if (known !== undefined && known.processId === processId) {
    // It asks again because it was not answered.
    return decided({ ops: [], brokerEpoch: known.brokerEpoch });
  }
  if (known !== undefined && isAlive && !known.fenced) {
    return refuse(
      ErrorCode.DUPLICATE_BROKER_REGISTRATION,
      `another process is registered as broker ${nodeId}, and is alive`,
    );
  }
  const brokerEpoch = nextBrokerEpoch(image, known);
  const node: BrokerNode = {
    nodeId,
    brokerEpoch,
    incarnation,
    processId,
    listeners,
    rack,
    fenced: true,
  };
  const isEmpty = known !== undefined && known.incarnation !== incarnation;
  const isClean =
    !isEmpty && known !== undefined && registration.previousBrokerEpoch === known.brokerEpoch;
  const moved =
    known === undefined || isClean
      ? brokerBegins(image, policy, nodeId)
      : brokerLostTail(image, policy, { node: nodeId, isEmpty, mayLead: false }, mutant);
  return decided({ ops: [...moved, ...registrationOps(node, known)], brokerEpoch });
};

/** Larger than any that a broker of this id has had, also before it was unregistered. */
const nextBrokerEpoch = (image: MetadataImage, known: BrokerNode | undefined): number =>
  Math.max(known?.brokerEpoch ?? 0, image.lastBrokerEpoch ?? 0) + 1;

const registrationOps = (node: BrokerNode, known: BrokerNode | undefined): readonly TreeOp[] => {
  const path = brokerPath(node.nodeId);
  const value = encodeNode(node);
  return known === undefined
    ? [
        { op: 'create', path: deletionsPath(node.nodeId), value: encodeNode({}) },
        { op: 'create', path, value },
      ]
    : [{ op: 'set', path, value }];
};
