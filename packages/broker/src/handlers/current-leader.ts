/**
 * Who leads now, told together with the error that somebody else was asked: the client goes there at once, without asking for
 * metadata and without a pause (KIP-951). It is what the image says when the answer is given, since a produce may have waited
 * while the partition went elsewhere; also of partitions that this broker holds no more.
 */
import { ErrorCode, type LeaderEpoch, type NodeId, type Uuid } from '@odradek/protocol';
import type { BrokerServices } from '../services.ts';
import { addressOn, type BrokerAddress } from './addresses.ts';

export interface CurrentLeader {
  readonly leaderId: NodeId;
  readonly leaderEpoch: LeaderEpoch;
}

export const isAskedElsewhere = (errorCode: number | undefined): boolean =>
  errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH;

/** `topicId` null: by name. Undefined: there is no such partition. */
export const currentLeader = (
  { image }: BrokerServices,
  topicId: Uuid | null,
  topicName: string,
  partition: number,
): CurrentLeader | undefined => {
  const topic = topicId === null ? image.topics.get(topicName) : image.topicsById.get(topicId);
  const known = topic?.partitions[partition];
  return known && { leaderId: known.leader, leaderEpoch: known.leaderEpoch };
};

/** Where they are reached by the listener that the client came by. */
export const leaderEndpoints = (
  { image }: BrokerServices,
  listenerName: string,
  leaders: readonly (CurrentLeader | undefined)[],
): BrokerAddress[] => {
  const ids = new Set(leaders.flatMap((it) => (it === undefined ? [] : [it.leaderId])));
  return [...ids].flatMap((id) => {
    const broker = image.brokers.get(id);
    return (broker && addressOn(broker, listenerName)) ?? [];
  });
};
