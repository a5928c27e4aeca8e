/**
 * Decides about brokers that are registered: heartbeats with what they want (KIP-631), fencing, the controlled shutdown, and
 * taking one out of the cluster. What a decision needs of time and of the metadata log's offsets is handed in
 * (broker-heartbeats.ts).
 */
import { ErrorCode, type NodeId } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import type { MetadataImage } from '../metadata/image.ts';
import { encodeNode, type BrokerNode } from '../metadata/nodes.ts';
import { BROKER_EPOCHS_PATH, brokerPath, deletionPath, deletionsPath } from '../metadata/paths.ts';
import { brokerLeaves, brokerReturns, leadsAny } from './broker-changes.ts';
import { decided, refuse, type Decision } from './outcome.ts';
import type { TopicPolicy } from './topic-policy.ts';

/** The life of the broker that asks must be the one that is registered (KIP-631). */
export const checkBrokerEpoch = (
  image: MetadataImage,
  nodeId: NodeId,
  brokerEpoch: number,
): Decision<BrokerNode> => {
  const broker = image.brokers.get(nodeId);
  if (broker === undefined) {
    return refuse(ErrorCode.BROKER_ID_NOT_REGISTERED, `broker ${nodeId} is not registered`);
  }
  return broker.brokerEpoch === brokerEpoch
    ? decided(broker)
    : refuse(
        ErrorCode.STALE_BROKER_EPOCH,
        `broker ${nodeId} is registered in epoch ${broker.brokerEpoch}, not ${brokerEpoch}`,
      );
};

export interface Heartbeat {
  readonly nodeId: NodeId;
  readonly brokerEpoch: number;
  readonly wantFence: boolean;
  readonly wantShutDown: boolean;
  /** It has read the metadata log up to its own registration. */
  readonly isCaughtUp: boolean;
  /** All others that are up have read that its leaderships moved: nobody asks it any more. */
  readonly isShutdownKnown: boolean;
}

export interface HeartbeatReply {
  readonly isCaughtUp: boolean;
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
}

export interface HeartbeatDecision {
  readonly ops: readonly TreeOp[];
  readonly reply: HeartbeatReply;
  /** It enters its controlled shutdown with these operations: note where they stand in the log. */
  readonly beginsShutdown: boolean;
}

export const decideHeartbeat = (
  heartbeat: Heartbeat,
  image: MetadataImage,
  policy: TopicPolicy,
): Decision<HeartbeatDecision> => {
  const checked = checkBrokerEpoch(image, heartbeat.nodeId, heartbeat.brokerEpoch);
  if (!checked.ok) return checked;
  const broker = checked.value;
  const next = nextState(heartbeat, broker, image);
  const isFenced = next === 'fenced' || next === 'shutDown';
  const reply: HeartbeatReply = {
    isCaughtUp: heartbeat.isCaughtUp,
    isFenced,
    shouldShutDown: next === 'shutDown',
  };
  const decision = (ops: readonly TreeOp[], beginsShutdown = false) =>
    decided({ ops, reply, beginsShutdown });
  switch (next) {
    case 'fenced':
    case 'shutDown':
      return decision(broker.fenced ? [] : fenceBroker(broker, image, policy));
    case 'unfenced':
      return decision(broker.fenced ? unfenceBroker(broker, image, policy) : []);
    case 'inControlledShutdown': {
      const isNew = broker.inControlledShutdown !== true;
      const moved = brokerLeaves(image, policy, broker.nodeId);
      // The flag first: whoever reads half of it gives the broker nothing new.
      return isNew
        ? decision([putBroker({ ...broker, inControlledShutdown: true }), ...moved], true)
        : decision(moved);
    }
  }
};

/** Nothing has been heard of it for its session's time, or it asked for it. */
export const fenceBroker = (
  broker: BrokerNode,
  image: MetadataImage,
  policy: TopicPolicy,
): readonly TreeOp[] => [
  putBroker({ ...withoutShutdown(broker), fenced: true }),
  ...brokerLeaves(image, policy, broker.nodeId),
];

export const unfenceBroker = (
  broker: BrokerNode,
  image: MetadataImage,
  policy: TopicPolicy,
): readonly TreeOp[] => [
  putBroker({ ...broker, fenced: false }),
  ...brokerReturns(image, policy, broker.nodeId),
];

/** It is gone for good (KIP-631's UnregisterBroker). Its replicas stay on the lists, for a reassignment to take away. */
export const decideUnregister = (
  nodeId: NodeId,
  image: MetadataImage,
  policy: TopicPolicy,
): Decision<readonly TreeOp[]> => {
  const broker = image.brokers.get(nodeId);
  if (broker === undefined) {
    return refuse(ErrorCode.BROKER_ID_NOT_REGISTERED, `broker ${nodeId} is not registered`);
  }
  const notes = [...image.deletions.entries()]
    .filter(([path]) => path.startsWith(`${nodeId}/`))
    .map(([, { topicId }]): TreeOp => ({ op: 'delete', path: deletionPath(nodeId, topicId) }));
  const lastBrokerEpoch = Math.max(image.lastBrokerEpoch ?? 0, broker.brokerEpoch);
  return decided([
    ...brokerLeaves(image, policy, nodeId),
    ...notes,
    { op: 'delete', path: deletionsPath(nodeId) },
    {
      op: image.lastBrokerEpoch === undefined ? 'create' : 'set',
      path: BROKER_EPOCHS_PATH,
      value: encodeNode({ lastBrokerEpoch }),
    },
    { op: 'delete', path: brokerPath(nodeId) },
  ]);
};

type BrokerState = 'fenced' | 'unfenced' | 'inControlledShutdown' | 'shutDown';

const nextState = (
  { wantFence, wantShutDown, isCaughtUp, isShutdownKnown }: Heartbeat,
  broker: BrokerNode,
  image: MetadataImage,
): BrokerState => {
  if (broker.fenced) {
    if (wantShutDown) return 'shutDown';
    return wantFence || !isCaughtUp ? 'fenced' : 'unfenced';
  }
  if (broker.inControlledShutdown === true) {
    const isDone = !leadsAny(image, broker.nodeId) && isShutdownKnown;
    return isDone ? 'shutDown' : 'inControlledShutdown';
  }
  if (wantShutDown) return leadsAny(image, broker.nodeId) ? 'inControlledShutdown' : 'shutDown';
  return wantFence ? 'fenced' : 'unfenced';
};

const putBroker = (broker: BrokerNode): TreeOp => ({
  op: 'set',
  path: brokerPath(broker.nodeId),
  value: encodeNode(broker),
});

const withoutShutdown = ({ inControlledShutdown: _, ...broker }: BrokerNode): BrokerNode => broker;
