/**
 * Records as bytes: framed as Kafka frames those of its metadata log (frame version, type, version, each a varint), bodies in
 * the protocol's own schema language. The frame version is not Kafka's 1, so that neither takes the other's log for its own.
 *
 * Reading is strict. A record of an unknown type or version is an error for whoever starts the member: a metadata log that
 * was skipped over in one place is another log.
 */
import { decode, MalformedFrame, message, Reader, write, Writer } from '@odradek/protocol';
import { bytes, int32, int64, int8, string } from '@odradek/protocol/schema';
import { QuorumError } from '../errors.ts';
import { sessionId, type SessionEnd } from './node.ts';
import type { TreeRecord } from './record.ts';

const FRAME_VERSION = 0x6f;
const NO_SESSION = -1;

const nodeCreated = /*@__PURE__*/ message(
  { name: 'NodeCreatedRecord', versions: [0, 0], flexible: 0 },
  () => ({
    path: string(),
    value: bytes(),
    ephemeralOwner: int64({ tag: 0, default: NO_SESSION }),
  }),
);
const nodeChanged = /*@__PURE__*/ message(
  { name: 'NodeChangedRecord', versions: [0, 0], flexible: 0 },
  () => ({
    path: string(),
    value: bytes(),
  }),
);
const nodeDeleted = /*@__PURE__*/ message(
  { name: 'NodeDeletedRecord', versions: [0, 0], flexible: 0 },
  () => ({
    path: string(),
  }),
);
const sessionOpened = /*@__PURE__*/ message(
  { name: 'SessionOpenedRecord', versions: [0, 0], flexible: 0 },
  () => ({
    timeoutMs: int32(),
  }),
);
const sessionClosed = /*@__PURE__*/ message(
  { name: 'SessionClosedRecord', versions: [0, 0], flexible: 0 },
  () => ({
    sessionId: int64(),
    end: int8(),
  }),
);
const noOp = /*@__PURE__*/ message(
  { name: 'NoOpRecord', versions: [0, 0], flexible: 0 },
  () => ({}),
);

/** Never to be given to another type. */
const TypeId = {
  nodeCreated: 1,
  nodeChanged: 2,
  nodeDeleted: 3,
  sessionOpened: 4,
  sessionClosed: 5,
  noOp: 6,
} as const;

/** All are written in this version; when one gets another, its `encodeRecord` case says which. */
const VERSION = 0;

const ENDS: readonly SessionEnd[] = ['closed', 'expired'];

export function encodeRecord(record: TreeRecord): Uint8Array {
  const writer = new Writer();
  writer.unsignedVarint(FRAME_VERSION);
  writer.unsignedVarint(TypeId[record.type]);
  writer.unsignedVarint(VERSION);
  switch (record.type) {
    case 'nodeCreated': {
      const { path, value, ephemeralOwner } = record;
      write(
        nodeCreated,
        VERSION,
        { path, value, ephemeralOwner: ephemeralOwner ?? NO_SESSION },
        writer,
      );
      break;
    }
    case 'nodeChanged':
      write(nodeChanged, VERSION, { path: record.path, value: record.value }, writer);
      break;
    case 'nodeDeleted':
      write(nodeDeleted, VERSION, { path: record.path }, writer);
      break;
    case 'sessionOpened':
      write(sessionOpened, VERSION, { timeoutMs: record.timeoutMs }, writer);
      break;
    case 'sessionClosed':
      write(
        sessionClosed,
        VERSION,
        { sessionId: record.sessionId, end: ENDS.indexOf(record.end) },
        writer,
      );
      break;
    case 'noOp':
      write(noOp, VERSION, {}, writer);
  }
  return joined(writer.finish());
}

/** The result keeps nothing of `source`. `place` names the record in errors. Throws QuorumError. */
export function decodeRecord(source: Uint8Array, place: string): TreeRecord {
  try {
    return readRecord(new Reader(source), place);
  } catch (cause) {
    if (!(cause instanceof MalformedFrame)) throw cause;
    throw new QuorumError('corrupt', `${place} is no record of the ensemble's: ${cause.message}`, {
      cause,
    });
  }
}

function readRecord(reader: Reader, place: string): TreeRecord {
  const frameVersion = reader.unsignedVarint();
  const type = reader.unsignedVarint();
  const version = reader.unsignedVarint();
  if (frameVersion !== FRAME_VERSION || version !== VERSION)
    throw unknown(place, frameVersion, type, version);
  const record = readBody(reader, type);
  if (record === undefined) throw unknown(place, frameVersion, type, version);
  if (reader.bytesLeft > 0) reader.fail(`${reader.bytesLeft} bytes too many`);
  return record;
}

function readBody(reader: Reader, type: number): TreeRecord | undefined {
  switch (type) {
    case TypeId.nodeCreated: {
      const { path, value, ephemeralOwner } = decode(nodeCreated, VERSION, reader);
      const owner = ephemeralOwner === NO_SESSION ? null : sessionId(ephemeralOwner);
      return { type: 'nodeCreated', path, value: value.slice(), ephemeralOwner: owner };
    }
    case TypeId.nodeChanged: {
      const { path, value } = decode(nodeChanged, VERSION, reader);
      return { type: 'nodeChanged', path, value: value.slice() };
    }
    case TypeId.nodeDeleted:
      return { type: 'nodeDeleted', path: decode(nodeDeleted, VERSION, reader).path };
    case TypeId.sessionOpened:
      return { type: 'sessionOpened', timeoutMs: decode(sessionOpened, VERSION, reader).timeoutMs };
    case TypeId.sessionClosed: {
      const body = decode(sessionClosed, VERSION, reader);
      const end = ENDS[body.end] ?? reader.fail(`a session's end of kind ${body.end}`);
      return { type: 'sessionClosed', sessionId: sessionId(body.sessionId), end };
    }
    case TypeId.noOp:
      decode(noOp, VERSION, reader);
      return { type: 'noOp' };
    default:
      return undefined;
  }
}

const unknown = (place: string, frameVersion: number, type: number, version: number): QuorumError =>
  new QuorumError(
    'unknownRecord',
    `${place} is of type ${type}, version ${version} (frame ${frameVersion}), which this version of Odradek does not know. ` +
      'A newer one wrote it: start that one. The metadata log cannot be read past it.',
  );

/** One array; the only chunk itself where there is one. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
