import { leaderEpoch, nodeId, utf8Decode, utf8Encode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { crc32c, INCARNATION } from '../testing/ensemble.ts';
import type { ElectionState } from './election.ts';
import { decodeQuorumState, encodeQuorumState } from './quorum-state-file.ts';

const VOTED: ElectionState = {
  epoch: leaderEpoch(12),
  leaderId: null,
  votedId: nodeId(1),
  votedIncarnation: INCARNATION,
};
const read = (bytes: Uint8Array) => decodeQuorumState(bytes, crc32c, 'quorum-state');

describe('quorum-state', () => {
  it('is the JSON of Kafka with a checksum', () => {
    const text = utf8Decode(encodeQuorumState(VOTED, crc32c));
    expect(text).toMatch(
      /^\{"leaderId":-1,"leaderEpoch":12,"votedId":1,"votedDirectoryId":"ASNFZ4mrze8BI0VniavN7w","data_version":1,"checksum":\d+\}$/,
    );
  });

  it('comes back as it was', () => {
    const states: ElectionState[] = [
      VOTED,
      { epoch: leaderEpoch(0), leaderId: null, votedId: null, votedIncarnation: null },
      { epoch: leaderEpoch(3), leaderId: nodeId(0), votedId: null, votedIncarnation: null },
      {
        epoch: leaderEpoch(3),
        leaderId: nodeId(2),
        votedId: nodeId(2),
        votedIncarnation: INCARNATION,
      },
    ];
    for (const state of states) expect(read(encodeQuorumState(state, crc32c))).toEqual(state);
  });

  it('may be one that Kafka wrote', () => {
    const kafkas =
      '{"leaderId":-1,"leaderEpoch":2,"votedId":1,"votedDirectoryId":"J8aAPcfLQt2bqs1JT_rMgQ","data_version":1}';
    expect(read(utf8Encode(kafkas))).toMatchObject({ epoch: 2, votedId: 1, leaderId: null });
  });

  it('with any bit flipped, or cut anywhere, is refused: it never reads as another vote', () => {
    const bytes = encodeQuorumState(VOTED, crc32c);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const broken = bytes.slice();
      broken[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => read(broken), `bit ${bit}`).toThrow(/quorum-state/);
    }
    for (let length = 0; length < bytes.length; length++)
      expect(() => read(bytes.subarray(0, length))).toThrow(/quorum-state/);
  });

  it('of another shape is refused', () => {
    for (const text of ['null', '[]', '3', '{}', '{"leaderEpoch":1}', '{"data_version":0}'])
      expect(() => read(utf8Encode(text)), `${text}`).toThrow(/quorum-state/);
  });
});
