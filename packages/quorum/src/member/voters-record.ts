/** The control record that says who votes from here on: the whole set, as Kafka's VotersRecord has it (KIP-853). */
import { decode, encode, message, nodeId, Reader } from '@odradek/protocol';
import { array, int16, int32, string, struct, uint16, uuid } from '@odradek/protocol/schema';
import { QuorumError } from '../errors.ts';
import { joined } from '../tree/record-codec.ts';
import type { VoterSet } from './voters.ts';

const votersRecord = /*@__PURE__*/ message(
  { name: 'VotersRecord', versions: [0, 0], flexible: 0 },
  () => ({
    version: int16(),
    voters: array({
      voterId: int32(),
      voterDirectoryId: uuid(),
      endpoints: array({ name: string(), host: string(), port: uint16() }),
      kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    }),
  }),
);

const VERSION = 0;
/** Of kraft.version: voters have directory ids and change by records. */
const KRAFT_VERSION = 1;

export function encodeVoters(voters: VoterSet): Uint8Array {
  return joined(
    encode(votersRecord, VERSION, {
      version: VERSION,
      voters: voters.map(({ id, incarnation, endpoints = [] }) => ({
        voterId: id,
        voterDirectoryId: incarnation,
        endpoints: [...endpoints],
        kRaftVersionFeature: {
          minSupportedVersion: KRAFT_VERSION,
          maxSupportedVersion: KRAFT_VERSION,
        },
      })),
    }),
  );
}

/** `place` names the bytes in errors. Throws QuorumError. */
export function decodeVoters(value: Uint8Array, place: string): VoterSet {
  try {
    const { voters } = decode(votersRecord, VERSION, new Reader(value));
    return voters.map(({ voterId, voterDirectoryId, endpoints }) => ({
      id: nodeId(voterId),
      incarnation: voterDirectoryId,
      ...(endpoints.length === 0 ? {} : { endpoints }),
    }));
  } catch (cause) {
    throw new QuorumError(
      'corrupt',
      `the voters ${place} cannot be read. Restore the folder from a copy`,
      { cause },
    );
  }
}
