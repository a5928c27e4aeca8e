/** DescribeQuorum: who leads the ensemble, who votes, and how far each has come (KIP-595, KIP-836). */
import { ErrorCode, describeQuorumRequest, describeQuorumResponse } from '@odradek/protocol';
import type { QuorumMember } from '@odradek/quorum';
import { METADATA_TOPIC } from '../metadata/image.ts';
import { handler } from './handler.ts';

type Described = NonNullable<ReturnType<QuorumMember['describe']>>['voters'][number];

export const describeQuorum = handler({
  name: 'DescribeQuorum',
  request: describeQuorumRequest,
  response: describeQuorumResponse,
  versions: [0, 2],
  notes: 'Answered by the quorum’s leader, wherever the client asks.',
  handle(broker, request) {
    const refused = (errorCode: ErrorCode, errorMessage: string) => ({
      errorCode,
      errorMessage,
      topics: [],
      nodes: [],
    });
    const isKnown = request.topics.every(
      ({ topicName, partitions }) =>
        topicName === METADATA_TOPIC && partitions.every((it) => it.partitionIndex === 0),
    );
    if (!isKnown)
      return refused(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `the quorum's one partition is ${METADATA_TOPIC}-0`,
      );
    const quorum = broker.quorum.describe();
    if (quorum === undefined)
      return refused(ErrorCode.NOT_LEADER_OR_FOLLOWER, 'this broker does not lead the quorum');
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      topics: [
        {
          topicName: METADATA_TOPIC,
          partitions: [
            {
              partitionIndex: 0,
              errorCode: ErrorCode.NONE,
              errorMessage: null,
              leaderId: quorum.leaderId,
              leaderEpoch: quorum.epoch,
              highWatermark: quorum.highWatermark,
              currentVoters: quorum.voters.map(stateOf),
              observers: quorum.observers.map(stateOf),
            },
          ],
        },
      ],
      nodes: quorum.voters.map(({ id }) => ({
        nodeId: id,
        listeners: (broker.image.brokers.get(id)?.listeners ?? []).map((it) => ({ ...it })),
      })),
    };
  },
});

const stateOf = (it: Described) => ({
  replicaId: it.id,
  replicaDirectoryId: it.incarnation,
  logEndOffset: it.logEndOffset,
  lastFetchTimestamp: it.lastFetchTimestampMs,
  lastCaughtUpTimestamp: it.lastCaughtUpTimestampMs,
});
