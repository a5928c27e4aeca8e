/**
 * What the coordinator writes and replays, as values, and their bytes. A decision makes these values; the log keeps their bytes;
 * `OffsetsImage.replay` applies them, both when they are committed and when a partition is loaded. So a value must come out of
 * its bytes as it went in.
 */
import { decode, Reader, write, Writer } from '@odradek/protocol';
import type { Uuid } from '@odradek/protocol';
import {
  GROUP_METADATA_KEY,
  GROUP_METADATA_VALUE_VERSION,
  groupMetadataKey,
  groupMetadataValue,
  LEGACY_OFFSET_COMMIT_KEY,
  OFFSET_COMMIT_KEY,
  OFFSET_COMMIT_VALUE_VERSION,
  OFFSET_COMMIT_VALUE_VERSION_WITH_EXPIRY,
  offsetCommitKey,
  offsetCommitValue,
} from './schemas.ts';

export type CoordinatorRecord = OffsetCommitRecord | GroupMetadataRecord;

export interface OffsetCommitRecord {
  readonly type: 'offsetCommit';
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  /** Null is a tombstone. */
  readonly value: CommittedOffset | null;
}

export interface GroupMetadataRecord {
  readonly type: 'groupMetadata';
  readonly groupId: string;
  /** Null is a tombstone. */
  readonly value: GroupMetadata | null;
}

export interface CommittedOffset {
  readonly offset: number;
  /** -1: not known. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** -1: by the broker's retention (KIP-211). Otherwise the leader epoch and the topic id are not kept. */
  readonly expireTimestampMs: number;
  /** Zero: the client did not say. */
  readonly topicId: Uuid;
}

export interface GroupMetadata {
  /** Empty: no member ever joined. */
  readonly protocolType: string;
  readonly generation: number;
  readonly protocolName: string | null;
  readonly leaderId: string | null;
  /** When the group came into its state; -1: written by an old version. */
  readonly stateTimestampMs: number;
  readonly members: readonly MemberMetadata[];
}

export interface MemberMetadata {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly subscription: Uint8Array;
  readonly assignment: Uint8Array;
}

export interface RecordBytes {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** Why a record of the log is passed over. */
export interface UnknownRecord {
  readonly type: 'unknown';
  readonly reason: string;
}

/** Throws UnencodableValue where a value does not fit its type. */
export function encodeRecord(record: CoordinatorRecord): RecordBytes {
  const key = new Writer();
  switch (record.type) {
    case 'offsetCommit':
      key.int16(OFFSET_COMMIT_KEY);
      write(
        offsetCommitKey,
        OFFSET_COMMIT_KEY,
        { group: record.groupId, topic: record.topic, partition: record.partition },
        key,
      );
      return { key: joined(key), value: record.value && encodeCommittedOffset(record.value) };
    case 'groupMetadata':
      key.int16(GROUP_METADATA_KEY);
      write(groupMetadataKey, GROUP_METADATA_KEY, { group: record.groupId }, key);
      return { key: joined(key), value: record.value && encodeGroupMetadata(record.value) };
  }
}

/** Throws MalformedFrame when the bytes are not what their version says. */
export function decodeRecord(
  key: Uint8Array,
  value: Uint8Array | null,
): CoordinatorRecord | UnknownRecord {
  const reader = new Reader(key);
  const kind = reader.int16();
  switch (kind) {
    case LEGACY_OFFSET_COMMIT_KEY:
    case OFFSET_COMMIT_KEY: {
      const { group, topic, partition } = decode(offsetCommitKey, kind, reader);
      const decoded = value && decodeCommittedOffset(value);
      if (typeof decoded === 'string') return { type: 'unknown', reason: decoded };
      return { type: 'offsetCommit', groupId: group, topic, partition, value: decoded };
    }
    case GROUP_METADATA_KEY: {
      const { group } = decode(groupMetadataKey, kind, reader);
      const decoded = value && decodeGroupMetadata(value);
      if (typeof decoded === 'string') return { type: 'unknown', reason: decoded };
      return { type: 'groupMetadata', groupId: group, value: decoded };
    }
    default:
      return { type: 'unknown', reason: `record key of kind ${kind}` };
  }
}

function encodeCommittedOffset(value: CommittedOffset): Uint8Array {
  const version =
    value.expireTimestampMs === -1
      ? OFFSET_COMMIT_VALUE_VERSION
      : OFFSET_COMMIT_VALUE_VERSION_WITH_EXPIRY;
  const { offset, leaderEpoch, metadata, topicId } = value;
  const body = {
    offset,
    leaderEpoch,
    metadata,
    topicId,
    commitTimestamp: value.commitTimestampMs,
    expireTimestamp: value.expireTimestampMs,
  };
  const writer = new Writer();
  writer.int16(version);
  write(offsetCommitValue, version, body, writer);
  return joined(writer);
}

/** A string says why not. */
function decodeCommittedOffset(bytes: Uint8Array): CommittedOffset | string {
  const reader = new Reader(bytes);
  const version = reader.int16();
  if (!isVersionOf(offsetCommitValue.info.versions, version))
    return `OffsetCommitValue of version ${version}`;
  const { offset, leaderEpoch, metadata, topicId, commitTimestamp, expireTimestamp } = decode(
    offsetCommitValue,
    version,
    reader,
  );
  if (!Number.isSafeInteger(offset)) return `a committed offset beyond 2^53`;
  return {
    offset,
    leaderEpoch,
    metadata,
    topicId,
    commitTimestampMs: commitTimestamp,
    expireTimestampMs: expireTimestamp,
  };
}

function encodeGroupMetadata(value: GroupMetadata): Uint8Array {
  const writer = new Writer();
  writer.int16(GROUP_METADATA_VALUE_VERSION);
  const body = {
    protocolType: value.protocolType,
    generation: value.generation,
    protocol: value.protocolName,
    leader: value.leaderId,
    currentStateTimestamp: value.stateTimestampMs,
    members: value.members.map((member) => ({
      ...member,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
    })),
  };
  write(groupMetadataValue, GROUP_METADATA_VALUE_VERSION, body, writer);
  return joined(writer);
}

function decodeGroupMetadata(bytes: Uint8Array): GroupMetadata | string {
  const reader = new Reader(bytes);
  const version = reader.int16();
  if (!isVersionOf(groupMetadataValue.info.versions, version))
    return `GroupMetadataValue of version ${version}`;
  const { protocolType, generation, protocol, leader, currentStateTimestamp, members } = decode(
    groupMetadataValue,
    version,
    reader,
  );
  return {
    protocolType,
    generation,
    protocolName: protocol,
    leaderId: leader,
    stateTimestampMs: currentStateTimestamp,
    members: members.map(
      ({
        memberId,
        groupInstanceId,
        clientId,
        clientHost,
        rebalanceTimeout,
        sessionTimeout,
        subscription,
        assignment,
      }) => ({
        memberId,
        groupInstanceId,
        clientId,
        clientHost,
        // Version 0 knows of one timeout only.
        rebalanceTimeoutMs: rebalanceTimeout === -1 ? sessionTimeout : rebalanceTimeout,
        sessionTimeoutMs: sessionTimeout,
        // Copies: these live as long as the group, and must not hold the batch that they lie in.
        subscription: subscription.slice(),
        assignment: assignment.slice(),
      }),
    ),
  };
}

function isVersionOf([min, max]: readonly [number, number], version: number): boolean {
  return version >= min && version <= max;
}

function joined(writer: Writer): Uint8Array {
  const whole = new Uint8Array(writer.length);
  let at = 0;
  for (const chunk of writer.finish()) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
