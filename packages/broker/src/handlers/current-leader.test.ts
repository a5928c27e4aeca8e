import { ErrorCode, nodeId } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import type { BrokerServices } from '../services.ts';
import { WORDS, WORDS_ID, imageOf } from '../testing/image-of.ts';
import { currentLeader, isAskedElsewhere, leaderEndpoints } from './current-leader.ts';

const listeners = (id: number) => [{ name: 'PLAINTEXT', host: `host-${id}`, port: 9090 + id }];
const broker = {
  image: imageOf(
    [{ leader: 2 }, { leader: 3 }, { leader: -1, isr: [] }],
    [1, 2, 3].map((id) => ({ id, listeners: id === 3 ? [] : listeners(id) })),
  ),
} as unknown as BrokerServices;

describe('who asked somebody who does not lead', () => {
  it('is told who does, by name and by id, also of what is not held here', () => {
    expect(currentLeader(broker, null, WORDS, 0)).toEqual({ leaderId: 2, leaderEpoch: 5 });
    expect(currentLeader(broker, WORDS_ID, '', 1)).toEqual({ leaderId: 3, leaderEpoch: 5 });
    expect(currentLeader(broker, null, 'others', 0)).toBeUndefined();
    expect(currentLeader(broker, null, WORDS, 9)).toBeUndefined();
  });

  it('is told where, by the listener that he came by', () => {
    const leaders = [0, 1, 2, 0].map((it) => currentLeader(broker, null, WORDS, it));
    expect(leaderEndpoints(broker, 'PLAINTEXT', [...leaders, undefined])).toEqual([
      { nodeId: nodeId(2), host: 'host-2', port: 9092, rack: null },
    ]);
  });

  it('is nobody whose error is another', () => {
    expect(isAskedElsewhere(ErrorCode.NOT_LEADER_OR_FOLLOWER)).toBe(true);
    expect(isAskedElsewhere(ErrorCode.REQUEST_TIMED_OUT)).toBe(false);
    expect(isAskedElsewhere(undefined)).toBe(false);
  });
});
