/**
 * `quorum-state`: what this member has promised, in the JSON of Kafka's QuorumStateData v1, so that Kafka's people can read
 * it. One key is our own: a checksum, without which a flipped bit would be another vote. A file of Kafka's own, which has
 * none, is taken as it is.
 *
 *   {"leaderId":-1,"leaderEpoch":2,"votedId":1,"votedDirectoryId":"J8aAPcfLQt2bqs1JT_rMgQ","data_version":1,"checksum":...}
 */
import {
  leaderEpoch,
  nodeId,
  utf8Decode,
  utf8Encode,
  uuidFromBase64,
  uuidToBase64,
  ZERO_UUID,
} from '@odradek/protocol';
import type { Crc32c, Volume } from '@odradek/ports';
import { QuorumError } from '../errors.ts';
import type { ElectionState } from './election.ts';

const DATA_VERSION = 1;
const NOBODY = -1;
const KEYS: readonly string[] = [
  'leaderId',
  'leaderEpoch',
  'votedId',
  'votedDirectoryId',
  'data_version',
  'checksum',
];

export const quorumStateFile = (folder: string): string => `${folder}/quorum-state`;

export async function writeQuorumState(
  volume: Volume,
  folder: string,
  election: ElectionState,
  crc32c: Crc32c,
): Promise<void> {
  await volume.replace(quorumStateFile(folder), encodeQuorumState(election, crc32c));
}

/** Undefined where there is none. Throws QuorumError 'corrupt'. */
export async function readQuorumState(
  volume: Volume,
  folder: string,
  crc32c: Crc32c,
): Promise<ElectionState | undefined> {
  const name = quorumStateFile(folder);
  const bytes = await volume.readSmall(name);
  return bytes === undefined ? undefined : decodeQuorumState(bytes, crc32c, name);
}

export function encodeQuorumState(election: ElectionState, crc32c: Crc32c): Uint8Array {
  const data = {
    leaderId: election.leaderId ?? NOBODY,
    leaderEpoch: election.epoch,
    votedId: election.votedId ?? NOBODY,
    votedDirectoryId: uuidToBase64(election.votedIncarnation ?? ZERO_UUID),
    data_version: DATA_VERSION,
  };
  return utf8Encode(
    JSON.stringify({ ...data, checksum: crc32c(utf8Encode(JSON.stringify(data))) }),
  );
}

export function decodeQuorumState(bytes: Uint8Array, crc32c: Crc32c, name: string): ElectionState {
  const corrupt = (what: string, cause?: unknown): never => {
    throw new QuorumError(
      'corrupt',
      `${name} ${what}. What this member has voted is not known: restore the file, or give the folder up and let the member ` +
        'join anew',
      { cause },
    );
  };
  let data: Record<string, unknown>;
  try {
    data = JSON.parse(utf8Decode(bytes)) as Record<string, unknown>;
  } catch (cause) {
    return corrupt('is not JSON', cause);
  }
  if (typeof data !== 'object' || data === null) return corrupt('is not a JSON object');
  const unknownKey = Object.keys(data).find((key) => !KEYS.includes(key));
  if (unknownKey !== undefined) return corrupt(`has a key that it should not have (${unknownKey})`);
  const { checksum, ...rest } = data;
  if (checksum !== undefined && checksum !== crc32c(utf8Encode(JSON.stringify(rest)))) {
    return corrupt('does not match its checksum');
  }
  if (rest['data_version'] !== DATA_VERSION)
    return corrupt(`is of version ${String(rest['data_version'])}`);
  const int = (key: string, min: number): number => {
    const value = rest[key];
    return Number.isInteger(value) && (value as number) >= min
      ? (value as number)
      : corrupt(`has no proper ${key}`);
  };
  const votedDirectoryId = rest['votedDirectoryId'];
  const voted = typeof votedDirectoryId === 'string' ? uuidFromBase64(votedDirectoryId) : undefined;
  if (voted === undefined) return corrupt('has no proper votedDirectoryId');
  const leaderId = int('leaderId', NOBODY);
  const votedId = int('votedId', NOBODY);
  return {
    epoch: leaderEpoch(int('leaderEpoch', 0)),
    leaderId: leaderId === NOBODY ? null : nodeId(leaderId),
    votedId: votedId === NOBODY ? null : nodeId(votedId),
    votedIncarnation: votedId === NOBODY || voted === ZERO_UUID ? null : voted,
  };
}
