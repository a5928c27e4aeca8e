/**
 * The whole tree as bytes: what stands for a log's beginning. Trees that are equal give equal bytes, because sessions come
 * by id and nodes depth first with sorted names; so members can be compared by their snapshots.
 *
 *   'ODTS', version byte
 *   nextOffset, epoch + 1                            what it stands for, and the epoch of the last record in it
 *   voters as VotersRecord has them, as bytes        in version 1 alone, which is written where there are any
 *   session count, then of each: id, timeoutMs
 *   node count, then from the root on, depth first:
 *     name, value, version, childrenVersion, createdAt, modifiedAt, ephemeralOwner + 1 (0: none), child count
 *   CRC-32C of all that                              4 bytes, big-endian
 *
 * Counts and offsets are varlongs. The checksum is looked at before anything else: a snapshot is right or it is not used.
 */
import {
  leaderEpoch,
  MalformedFrame,
  offset,
  Reader,
  Writer,
  type LeaderEpoch,
  type Offset,
} from '@odradek/protocol';
import type { Crc32c } from '@odradek/ports';
import { QuorumError } from '../errors.ts';
import { sessionId, type ReadonlyTree, type SessionId, type TreeNode } from './node.ts';
import { childPath, nameOf, ROOT } from './path.ts';
import { joined } from './record-codec.ts';
import { Tree } from './tree.ts';

export interface SnapshotId {
  /** The first offset that is not in it. */
  readonly nextOffset: Offset;
  readonly epoch: LeaderEpoch;
}

export interface TreeSnapshot extends SnapshotId {
  readonly tree: Tree;
  /** Who votes, as the last VotersRecord before `nextOffset` has it, in its bytes. Empty: there was none. */
  readonly voters: Uint8Array;
}

const MAGIC = 0x4f445453;
/** Voters are those of the configuration. */
const WITHOUT_VOTERS = 0;
const WITH_VOTERS = 1;
const CRC_BYTES = 4;
const WRITER_BYTES = 64 * 1024;
const NO_BYTES = new Uint8Array(0);

export function encodeSnapshot(
  tree: ReadonlyTree,
  id: SnapshotId,
  crc32c: Crc32c,
  voters: Uint8Array = NO_BYTES,
): Uint8Array {
  const writer = new Writer(WRITER_BYTES);
  writer.uint32(MAGIC);
  writer.int8(voters.length === 0 ? WITHOUT_VOTERS : WITH_VOTERS);
  writer.varlong(id.nextOffset);
  writer.varlong(id.epoch + 1);
  if (voters.length > 0) {
    writer.unsignedVarint(voters.length);
    writer.raw(voters);
  }
  const sessions = tree.sessions();
  writer.varlong(sessions.length);
  for (const { id: session, timeoutMs } of sessions) {
    writer.varlong(session);
    writer.varlong(timeoutMs);
  }
  writer.varlong(tree.nodeCount);
  for (const [path, node] of tree.descend(ROOT)) writeNode(writer, nameOf(path), node);
  const body = writer.finish();
  const crc = body.reduce((seed, chunk) => crc32c(chunk, seed), 0);
  const trailer = new Uint8Array(CRC_BYTES);
  new DataView(trailer.buffer).setUint32(0, crc);
  return joined([...body, trailer]);
}

/** Throws QuorumError: 'corrupt' where a byte is wrong, 'unknownRecord' where a newer version wrote it. */
export function decodeSnapshot(bytes: Uint8Array, crc32c: Crc32c, name: string): TreeSnapshot {
  const bodyBytes = bytes.length - CRC_BYTES;
  if (bodyBytes < 0)
    throw new QuorumError('corrupt', `snapshot ${name} has only ${bytes.length} bytes`);
  const body = bytes.subarray(0, bodyBytes);
  const crc = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bodyBytes);
  if (crc32c(body) !== crc)
    throw new QuorumError('corrupt', `snapshot ${name} does not match its checksum`);
  const reader = new Reader(body);
  reader.subject = `snapshot ${name}`;
  try {
    return readSnapshot(reader, name);
  } catch (cause) {
    if (!(cause instanceof MalformedFrame)) throw cause;
    throw new QuorumError('corrupt', cause.message, { cause });
  }
}

function readSnapshot(reader: Reader, name: string): TreeSnapshot {
  if (reader.uint32() !== MAGIC) reader.fail('not a snapshot of the tree');
  const version = reader.int8();
  if (version !== WITHOUT_VOTERS && version !== WITH_VOTERS) {
    throw new QuorumError(
      'unknownRecord',
      `snapshot ${name} is of version ${version}: start the Odradek that wrote it`,
    );
  }
  const nextOffset = offset(reader.varlong());
  const epoch = leaderEpoch(reader.varlong() - 1);
  const votersBytes = version === WITHOUT_VOTERS ? 0 : reader.unsignedVarint();
  const voters = votersBytes === 0 ? NO_BYTES : reader.raw(votersBytes).slice();
  const tree = new Tree();
  for (let left = reader.varlong(); left > 0; left--) {
    tree.putSession({ id: sessionId(reader.varlong()), timeoutMs: reader.varlong() });
  }
  const nodeCount = reader.varlong();
  readNodes(reader, tree, nodeCount);
  if (tree.nodeCount !== nodeCount || reader.bytesLeft > 0)
    reader.fail('it has more or fewer nodes than it says');
  return { tree, nextOffset, epoch, voters };
}

function readNodes(reader: Reader, tree: Tree, nodeCount: number): void {
  // Parents whose children are being read, outermost first.
  const open: { readonly path: string; childrenLeft: number }[] = [];
  for (let read = 0; read < nodeCount; read++) {
    const name = reader.compactNullableString() ?? reader.fail('a node without a name');
    const node = readNode(reader);
    while (open.length > 0 && open.at(-1)!.childrenLeft === 0) open.pop();
    const parent = open.at(-1);
    if (parent !== undefined) parent.childrenLeft -= 1;
    const path = parent === undefined ? ROOT : childPath(parent.path, name);
    if ((parent === undefined) !== (read === 0)) reader.fail('its nodes are no tree');
    tree.put(path, node);
    open.push({ path, childrenLeft: node.childCount });
  }
}

function writeNode(writer: Writer, name: string, node: TreeNode): void {
  writer.compactString(name);
  writer.unsignedVarint(node.value.length);
  writer.raw(node.value);
  writer.varlong(node.version);
  writer.varlong(node.childrenVersion);
  writer.varlong(node.createdAt);
  writer.varlong(node.modifiedAt);
  writer.varlong(node.ephemeralOwner === null ? 0 : node.ephemeralOwner + 1);
  writer.varlong(node.childCount);
}

function readNode(reader: Reader): TreeNode {
  const valueBytes = reader.unsignedVarint();
  const value = valueBytes === 0 ? NO_BYTES : reader.raw(valueBytes).slice();
  const version = reader.varlong();
  const childrenVersion = reader.varlong();
  const createdAt = offset(reader.varlong());
  const modifiedAt = offset(reader.varlong());
  const owner = reader.varlong();
  const ephemeralOwner: SessionId | null = owner === 0 ? null : sessionId(owner - 1);
  return {
    value,
    version,
    childrenVersion,
    childCount: reader.varlong(),
    createdAt,
    modifiedAt,
    ephemeralOwner,
  };
}
