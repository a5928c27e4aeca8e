/**
 * Control records: a key of (version int16, type int16), and for the end of a transaction a value of (version int16,
 * coordinatorEpoch int32). They stand alone in a batch with the control bit and the transaction's producer id and epoch.
 */
import type { RecordInput } from './build-batch.ts';
import { readInt16, readInt32, writeInt16, writeInt32 } from './layout.ts';
import { MalformedBatch } from './malformed-batch.ts';

export type EndTxnKind = 'abort' | 'commit';

export interface EndTxnMarker {
  readonly kind: EndTxnKind;
  readonly coordinatorEpoch: number;
}

const ABORT = 0;
const COMMIT = 1;
const KEY_BYTES = 4;
const VALUE_BYTES = 6;

export function endTxnMarker(
  kind: EndTxnKind,
  coordinatorEpoch: number,
  timestampMs: number,
): RecordInput {
  const key = new Uint8Array(KEY_BYTES);
  writeInt16(key, 2, kind === 'commit' ? COMMIT : ABORT);
  const value = new Uint8Array(VALUE_BYTES);
  writeInt32(value, 2, coordinatorEpoch);
  return { timestampMs, key, value };
}

/** Undefined: a control record of another type, to be passed over. Newer versions only add to the end. Throws MalformedBatch. */
export function parseEndTxnMarker(record: {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}): EndTxnMarker | undefined {
  const { key, value } = record;
  if (key === null || key.length < KEY_BYTES)
    throw new MalformedBatch('a control record without a type');
  if (readInt16(key, 0) < 0)
    throw new MalformedBatch(`control record key of version ${readInt16(key, 0)}`);
  const type = readInt16(key, 2);
  if (type !== ABORT && type !== COMMIT) return undefined;
  if (value === null || value.length < VALUE_BYTES || readInt16(value, 0) < 0)
    throw new MalformedBatch('a transaction marker without a coordinator epoch');
  return { kind: type === COMMIT ? 'commit' : 'abort', coordinatorEpoch: readInt32(value, 2) };
}
