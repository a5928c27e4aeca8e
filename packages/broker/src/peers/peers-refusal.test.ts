/** Members that do not belong together are known as such, for people and for a start that cannot succeed. */
import type { Connection } from '@odradek/ports';
import { nodeId, voteRequest, voteResponse, type Uuid } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { collectingLogger } from '../testing/collecting-logger.ts';
import { connectionPair } from '../testing/connection-pair.ts';
import { ManualClock } from '@odradek/ports/testing';
import { seededRandom } from '../testing/test-broker.ts';
import { settle } from '../testing/turns.ts';
import { PeerError } from './peer-channel.ts';
import { Peers } from './peers.ts';

const vote = { request: voteRequest, response: voteResponse, version: 2 };
const BALLOT = { clusterId: 'c', voterId: 2, topics: [] };

/** Two that dial one another. */
const twoMembers = (clusterIds: readonly [string, string]) => {
  const clock = new ManualClock();
  const logger = collectingLogger();
  const members: Peers[] = clusterIds.map(
    (clusterId, i) =>
      new Peers({
        self: () => ({
          nodeId: nodeId(i + 1),
          clusterId,
          incarnation: String(i + 1).padStart(32, '0') as Uuid,
        }),
        address: (to) => ({ host: 'node', port: to }),
        dial({ port }): Promise<Connection> {
          const pair = connectionPair();
          members[port - 1]!.accept(pair.ends[1]);
          return Promise.resolve(pair.ends[0]);
        },
        answer() {
          throw new PeerError('not ready yet');
        },
        clock,
        random: seededRandom(i),
        logger,
      }),
  );
  return { clock, logger, one: members[0]! };
};

describe('members of two clusters', () => {
  it('are strangers for as long as that lasts, which is told once', async () => {
    const { clock, logger, one } = twoMembers(['c', 'other']);
    for (let attempt = 0; attempt < 3; attempt++) {
      await one.ask(nodeId(2), vote, BALLOT, 1_000).catch(() => {});
      clock.advance(1_000);
      await settle();
    }
    expect(one.strangers(5_000)).toEqual([]);
    expect(one.strangers(2_000)).toMatchObject([{ nodeId: 2 }]);
    expect(one.strangers(2_000)[0]!.reason).toContain('belongs to cluster');
    expect(logger.lines.filter((it) => it.includes('a member was refused'))).toHaveLength(1);
  });
});

describe('a member that is not ready', () => {
  it('says so without being taken for defective or strange', async () => {
    const { logger, one } = twoMembers(['c', 'c']);
    const asked = one.ask(nodeId(2), vote, BALLOT, 1_000);
    await expect(asked).rejects.toThrow('not ready yet');
    expect(one.strangers(0)).toEqual([]);
    expect(logger.lines.join()).not.toContain('a request of a peer failed');
  });
});
