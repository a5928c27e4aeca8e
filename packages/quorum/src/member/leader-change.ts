/**
 * The control record that opens a leader's epoch, Kafka's LeaderChangeMessage. Its commit is what commits everything before
 * it: a leader may not count the copies of older epochs' records (Raft, section 5.4.2).
 */
import { buildBatch, encode, message, ZERO_UUID } from '@odradek/protocol';
import { array, int16, int32, uuid } from '@odradek/protocol/schema';
import type { LeaderEpoch, NodeId, Offset, RecordView, Uuid } from '@odradek/protocol';
import type { Crc32c } from '@odradek/ports';
import { QuorumError } from '../errors.ts';
import { joined } from '../tree/record-codec.ts';

const voter = () => ({ voterId: int32(), voterDirectoryId: uuid({ since: 1 }) });

const leaderChangeMessage = /*@__PURE__*/ message(
  { name: 'LeaderChangeMessage', versions: [0, 1], flexible: 0 },
  () => ({
    version: int16(),
    leaderId: int32(),
    voters: array(voter()),
    grantingVoters: array(voter()),
  }),
);

const VERSION = 1;
const KEY_BYTES = 4;
/** Kafka's ControlRecordType. */
const LEADER_CHANGE = 2;

export interface LeaderChange {
  readonly epoch: LeaderEpoch;
  readonly leaderId: NodeId;
  readonly incarnation: Uuid;
  readonly voters: readonly NodeId[];
  readonly granted: readonly NodeId[];
}

export function leaderChangeBatch(
  change: LeaderChange,
  at: { baseOffset: Offset; timestampMs: number },
  crc32c: Crc32c,
): Uint8Array {
  // Other voters' incarnations become known with the records that add voters.
  const voterOf = (id: NodeId) => ({
    voterId: id,
    voterDirectoryId: id === change.leaderId ? change.incarnation : ZERO_UUID,
  });
  const key = new Uint8Array(KEY_BYTES);
  new DataView(key.buffer).setInt16(2, LEADER_CHANGE);
  const value = encode(leaderChangeMessage, VERSION, {
    version: VERSION,
    leaderId: change.leaderId,
    voters: change.voters.map(voterOf),
    grantingVoters: change.granted.map(voterOf),
  });
  return buildBatch({
    baseOffset: at.baseOffset,
    leaderEpoch: change.epoch,
    isControl: true,
    records: [{ timestampMs: at.timestampMs, key, value: joined(value) }],
    crc32c,
  });
}

/** Control records change nothing in the tree, but one of an unknown type may mean that something else should change. */
export function assertKnownControlRecord(record: RecordView): void {
  const { key } = record;
  if (key === null || key.length < KEY_BYTES) {
    throw new QuorumError(
      'corrupt',
      `the control record at offset ${record.offset} of the metadata log has no type`,
    );
  }
  const type = new DataView(key.buffer, key.byteOffset).getInt16(2);
  if (type === LEADER_CHANGE) return;
  throw new QuorumError(
    'unknownRecord',
    `the control record at offset ${record.offset} of the metadata log is of type ${type}, which this version of Odradek ` +
      'does not know: start the one that wrote it',
  );
}
