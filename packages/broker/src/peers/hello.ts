/**
 * The first frame in each direction between two members of a cluster: who I am. Whoever does not belong is told why and cut
 * off before anything else of it is read.
 */
import { utf8Decode, utf8Encode, type NodeId, type Uuid } from '@odradek/protocol';

/** Of the frames between peers; another one is another language. */
export const PEER_PROTOCOL_VERSION = 2;
export const HELLO_BYTES_MAX = 4 * 1024;

export interface Hello {
  readonly nodeId: NodeId;
  /** Null for a member that has never met its cluster. */
  readonly clusterId: string | null;
  /** Of its storage: an emptied folder comes back as another incarnation. */
  readonly incarnation: Uuid;
}

export const encodeHello = (hello: Hello): Uint8Array =>
  utf8Encode(JSON.stringify({ ...hello, version: PEER_PROTOCOL_VERSION }));

/** Undefined for what no member would say. */
export const decodeHello = (
  bytes: Uint8Array,
): (Hello & { readonly version: number }) | undefined => {
  if (bytes.length > HELLO_BYTES_MAX) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(utf8Decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof said !== 'object' || said === null) return undefined;
  const { nodeId, clusterId, incarnation, version } = said as Record<string, unknown>;
  const isHello =
    Number.isInteger(nodeId) &&
    (nodeId as number) >= 0 &&
    (clusterId === null || typeof clusterId === 'string') &&
    typeof incarnation === 'string' &&
    /^[0-9a-f]{32}$/.test(incarnation) &&
    Number.isInteger(version);
  if (!isHello) return undefined;
  return {
    nodeId: nodeId as NodeId,
    clusterId: clusterId as string | null,
    incarnation: incarnation as Uuid,
    version: version as number,
  };
};

/** Why the other end is none of ours, for both logs; undefined when it is. */
export const whyRefused = (
  own: Hello,
  other: Hello & { readonly version: number },
  /** Whom this end meant to reach. */
  expected: NodeId | undefined,
): string | undefined => {
  if (other.version !== PEER_PROTOCOL_VERSION)
    return `node ${other.nodeId} speaks version ${other.version} of the peer protocol, node ${own.nodeId} speaks ${PEER_PROTOCOL_VERSION}`;
  if (own.clusterId !== null && other.clusterId !== null && own.clusterId !== other.clusterId)
    return `node ${other.nodeId} belongs to cluster ${other.clusterId}, node ${own.nodeId} to cluster ${own.clusterId}: check controller.quorum.voters and the data folders`;
  if (other.nodeId === own.nodeId)
    return other.incarnation === own.incarnation
      ? `node ${own.nodeId} has reached itself: check controller.quorum.voters`
      : `there are two nodes ${own.nodeId}: each needs a node.id of its own`;
  if (expected !== undefined && other.nodeId !== expected)
    return `node ${expected} was expected at that address, and node ${other.nodeId} answers: check controller.quorum.voters`;
  return undefined;
};
