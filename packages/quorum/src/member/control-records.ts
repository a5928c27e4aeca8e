/**
 * The records by which the ensemble speaks of itself in its own log: who leads from here on, who votes from here on. They are
 * Kafka's, by type and layout, and change nothing in the tree. One of an unknown type may mean that something else should
 * change: it is refused.
 */
import { buildBatch, encode, message } from '@odradek/protocol';
import { array, int16, int32, uuid } from '@odradek/protocol/schema';
import type { BatchView, LeaderEpoch, NodeId, Offset, RecordView } from '@odradek/protocol';
import { offset, recordsIn } from '@odradek/protocol';
import type { Crc32c } from '@odradek/ports';
import { QuorumError } from '../errors.ts';
import { joined } from '../tree/record-codec.ts';
import { decodeVoters, encodeVoters } from './voters-record.ts';
import type { VoterSet } from './voters.ts';

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
const KRAFT_VOTERS = 6;

export interface LeaderChange {
  readonly epoch: LeaderEpoch;
  readonly leaderId: NodeId;
  readonly voters: VoterSet;
  readonly granted: readonly NodeId[];
  /** The ensemble's first leader also says who votes, in the same batch: nobody ever sees the one without the other. */
  readonly isFirst: boolean;
}

interface Place {
  readonly baseOffset: Offset;
  readonly timestampMs: number;
}

/**
 * Opens a leader's epoch. Its commit is what commits everything before it: a leader may not count the copies of older
 * epochs' records (Raft, section 5.4.2).
 */
export function leaderChangeBatch(change: LeaderChange, at: Place, crc32c: Crc32c): Uint8Array {
  const { voters, granted } = change;
  const named = voters.map(({ id, incarnation }) => ({
    voterId: id,
    voterDirectoryId: incarnation,
  }));
  const value = encode(leaderChangeMessage, VERSION, {
    version: VERSION,
    leaderId: change.leaderId,
    voters: named,
    grantingVoters: named.filter((it) => granted.includes(it.voterId as NodeId)),
  });
  const records = [{ type: LEADER_CHANGE, value: joined(value) }];
  if (change.isFirst) records.push({ type: KRAFT_VOTERS, value: encodeVoters(voters) });
  return controlBatch(records, change.epoch, at, crc32c);
}

/** Who votes from this record on. */
export function votersBatch(
  voters: VoterSet,
  epoch: LeaderEpoch,
  at: Place,
  crc32c: Crc32c,
): Uint8Array {
  return controlBatch([{ type: KRAFT_VOTERS, value: encodeVoters(voters) }], epoch, at, crc32c);
}

/** The sets of voters that a control batch brings, with the offsets from which they count. Throws QuorumError. */
export function votersIn(batch: BatchView): { at: Offset; voters: VoterSet }[] {
  const found: { at: Offset; voters: VoterSet }[] = [];
  for (const record of recordsIn(batch)) {
    if (typeOf(record) === KRAFT_VOTERS)
      found.push({
        at: offset(record.offset),
        voters: decodeVoters(
          record.value ?? new Uint8Array(0),
          `at offset ${record.offset} of the metadata log`,
        ),
      });
  }
  return found;
}

export function assertKnownControlRecord(record: RecordView): void {
  const type = typeOf(record);
  if (type === LEADER_CHANGE || type === KRAFT_VOTERS) return;
  throw new QuorumError(
    'unknownRecord',
    `the control record at offset ${record.offset} of the metadata log is of type ${type}, which this version of Odradek ` +
      'does not know: start the one that wrote it',
  );
}

function typeOf({ key, offset: at }: RecordView): number {
  if (key === null || key.length < KEY_BYTES) {
    throw new QuorumError(
      'corrupt',
      `the control record at offset ${at} of the metadata log has no type`,
    );
  }
  return new DataView(key.buffer, key.byteOffset).getInt16(2);
}

function controlBatch(
  records: readonly { readonly type: number; readonly value: Uint8Array }[],
  epoch: LeaderEpoch,
  { baseOffset, timestampMs }: Place,
  crc32c: Crc32c,
): Uint8Array {
  return buildBatch({
    baseOffset,
    leaderEpoch: epoch,
    isControl: true,
    records: records.map(({ type, value }) => {
      const key = new Uint8Array(KEY_BYTES);
      new DataView(key.buffer).setInt16(2, type);
      return { timestampMs, key, value };
    }),
    crc32c,
  });
}
