/**
 * meta.properties: whose data this is. Kafka's own format (version 1), so that its tools can read it. A folder of another
 * broker or of another cluster is refused by name before anything in it is touched.
 */
import type { Random, Volume } from '@odradek/ports';
import {
  utf8Decode,
  utf8Encode,
  uuidFromBase64,
  uuidToBase64,
  type NodeId,
  type Uuid,
} from '@odradek/protocol';

const FILE = 'meta.properties';

export interface Identity {
  /** Null for a member of an ensemble that has not met its cluster yet. */
  readonly clusterId: string | null;
  readonly nodeId: NodeId;
  /** Drawn when the folder was first used: an emptied folder comes back as another incarnation. */
  readonly directoryId: Uuid;
}

/** The data folder is not this broker's. The message says whose it is and what to do. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
}

/** Reads the folder's identity, or gives a fresh folder one. */
export const establishIdentity = async (
  volume: Volume,
  nodeId: NodeId,
  random: Random,
  /** A lone broker is its own cluster; a member of an ensemble learns which it is in. */
  isAlone = true,
): Promise<Identity> => {
  const bytes = await volume.readSmall(FILE);
  if (bytes === undefined) {
    const identity: Identity = {
      clusterId: isAlone ? newClusterId(random) : null,
      nodeId,
      directoryId: randomUuid(random),
    };
    await volume.replace(FILE, utf8Encode(format(identity)));
    return identity;
  }
  const found = parse(utf8Decode(bytes));
  if (found === undefined) {
    throw new IdentityError(
      `${FILE} in ${volume.traits.location} cannot be read: restore it, or move the folder away to begin anew`,
    );
  }
  if (found.nodeId !== nodeId) {
    throw new IdentityError(
      `the data in ${volume.traits.location} belongs to broker ${found.nodeId}, and this is broker ${nodeId}: ` +
        `start with --node-id ${found.nodeId}, or choose another folder with --data-dir`,
    );
  }
  return found;
};

/** The cluster has said which it is. */
export const adoptCluster = async (
  volume: Volume,
  identity: Identity,
  clusterId: string,
): Promise<Identity> => {
  const adopted = { ...identity, clusterId };
  await volume.replace(FILE, utf8Encode(format(adopted)));
  return adopted;
};

export const newClusterId = (random: Random): string => uuidToBase64(randomUuid(random));

const format = (identity: Identity): string =>
  [
    'version=1',
    `cluster.id=${identity.clusterId ?? ''}`,
    `node.id=${identity.nodeId}`,
    `directory.id=${uuidToBase64(identity.directoryId)}`,
    '',
  ].join('\n');

const parse = (text: string): Identity | undefined => {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const equals = line.indexOf('=');
    if (equals > 0 && !line.startsWith('#'))
      values.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim());
  }
  const clusterId = values.get('cluster.id');
  const nodeId = values.get('node.id');
  const directory = values.get('directory.id');
  if (
    values.get('version') !== '1' ||
    clusterId === undefined ||
    nodeId === undefined ||
    !/^\d+$/.test(nodeId) ||
    !directory
  ) {
    return undefined;
  }
  const directoryId = uuidFromBase64(directory);
  return directoryId === undefined
    ? undefined
    : {
        clusterId: clusterId === '' ? null : clusterId,
        nodeId: Number(nodeId) as NodeId,
        directoryId,
      };
};

export const randomUuid = (random: Random): Uuid => {
  let hex = '';
  for (const byte of random.bytes(16)) hex += byte.toString(16).padStart(2, '0');
  return hex as Uuid;
};
