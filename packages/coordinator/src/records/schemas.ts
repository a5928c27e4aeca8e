/**
 * The records of __consumer_offsets in Kafka's own schemas, which kafka-dump-log --offsets-decoder reads. Each key and each value
 * begins with an int16; a key's says what kind of record it is, a value's is its version.
 */
import { ZERO_UUID } from '@odradek/protocol';
import { array, bytes, int32, int64, message, string, uuid } from '@odradek/protocol/schema';

/** Key kinds. From 3 on come the consumer (KIP-848), share and streams groups. */
export const LEGACY_OFFSET_COMMIT_KEY = 0;
export const OFFSET_COMMIT_KEY = 1;
export const GROUP_METADATA_KEY = 2;

export const offsetCommitKey = /*@__PURE__*/ message(
  { name: 'OffsetCommitKey', versions: [0, 1] },
  () => ({
    group: string(),
    topic: string(),
    partition: int32(),
  }),
);

/** An offset that a group has committed. Version 1 alone can say when it expires, and is written where a client said so (OffsetCommit v2-4). */
export const offsetCommitValue = /*@__PURE__*/ message(
  { name: 'OffsetCommitValue', versions: [0, 4], flexible: 4 },
  () => ({
    offset: int64(),
    leaderEpoch: int32({ since: 3, default: -1 }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64({ since: 1, until: 1, default: -1 }),
    topicId: uuid({ since: 4, tag: 0, default: ZERO_UUID }),
  }),
);

export const groupMetadataKey = /*@__PURE__*/ message(
  { name: 'GroupMetadataKey', versions: [2, 2] },
  () => ({
    group: string(),
  }),
);

/** A group's last generation with its members' assignments, or that it is empty. */
export const groupMetadataValue = /*@__PURE__*/ message(
  { name: 'GroupMetadataValue', versions: [0, 4], flexible: 4 },
  () => ({
    protocolType: string(),
    generation: int32(),
    protocol: string({ nullable: true }),
    leader: string({ nullable: true }),
    currentStateTimestamp: int64({ since: 2, default: -1 }),
    members: array({
      memberId: string(),
      groupInstanceId: string({ since: 3, nullable: 3, default: null }),
      clientId: string(),
      clientHost: string(),
      rebalanceTimeout: int32({ since: 1, default: -1 }),
      sessionTimeout: int32(),
      subscription: bytes(),
      assignment: bytes(),
    }),
  }),
);

/** Kafka 4.2's choice of versions. */
export const OFFSET_COMMIT_VALUE_VERSION = 4;
export const OFFSET_COMMIT_VALUE_VERSION_WITH_EXPIRY = 1;
export const GROUP_METADATA_VALUE_VERSION = 3;
