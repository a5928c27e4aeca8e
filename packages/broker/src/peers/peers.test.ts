/** Members of a cluster that find, ask and refuse one another, over connections without a network. */
import { silentLogger, type Connection } from '@odradek/ports';
import {
  decode,
  encode,
  nodeId,
  voteRequest,
  voteResponse,
  type ErrorCode,
  type NodeId,
  type Uuid,
} from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { collectingLogger } from '../testing/collecting-logger.ts';
import { connectionPair, type ConnectionPair } from '../testing/connection-pair.ts';
import { ManualClock } from '@odradek/ports/testing';
import { seededRandom } from '../testing/test-broker.ts';
import { settle } from '../testing/turns.ts';
import type { Hello } from './hello.ts';
import { PEER_SILENCE_MS_MAX } from './liveness.ts';
import { HELLO_TIMEOUT_MS, PeerError, type AnswerPeer } from './peer-channel.ts';
import { PEER_BACKOFF_MS_MAX } from './peer-link.ts';
import { Peers } from './peers.ts';

const vote = { request: voteRequest, response: voteResponse, version: 2 };
const BALLOT = { clusterId: 'c', voterId: 2, topics: [] };
const incarnation = (n: number): Uuid => n.toString(16).padStart(32, '0') as Uuid;

const answering: AnswerPeer = (from, { apiVersion, body }) => {
  const { clusterId } = decode(voteRequest, apiVersion, body);
  return encode(voteResponse, apiVersion, {
    // Any number that tells who asked.
    errorCode: Number(from.nodeId) as ErrorCode,
    topics: [{ topicName: clusterId ?? '', partitions: [] }],
  });
};

/** Members by id that reach one another unless they are cut off. */
const cluster = (hellos: readonly Hello[], answer: AnswerPeer = answering) => {
  const clock = new ManualClock();
  const logger = collectingLogger();
  const pairs: ConnectionPair[] = [];
  const away = new Set<NodeId>();
  const hidden = new Set<NodeId>();
  const lost: string[] = [];
  let dials = 0;
  const members = new Map<NodeId, Peers>();
  for (const hello of hellos) {
    members.set(
      hello.nodeId,
      new Peers({
        self: () => hello,
        address: (to) => (hidden.has(to) ? undefined : { host: 'node', port: to }),
        dial: ({ port }): Promise<Connection> => {
          dials += 1;
          const there = members.get(nodeId(port));
          if (there === undefined || away.has(nodeId(port)))
            return Promise.reject(new Error(`nobody listens at node:${port}`));
          const pair = connectionPair();
          pairs.push(pair);
          there.accept(pair.ends[1]);
          return Promise.resolve(pair.ends[0]);
        },
        answer,
        onLost: (id) => lost.push(`${hello.nodeId} lost ${id}`),
        clock,
        random: seededRandom(hello.nodeId),
        logger,
      }),
    );
  }
  const at = (id: number): Peers => members.get(nodeId(id))!;
  return { clock, logger, pairs, away, hidden, lost, at, dials: () => dials };
};

const member = (id: number, clusterId: string | null = 'c'): Hello => ({
  nodeId: nodeId(id),
  clusterId,
  incarnation: incarnation(id),
});

const why = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it was answered',
    (error: unknown) =>
      error instanceof PeerError ? error.message : `no PeerError: ${String(error)}`,
  );

describe('members of a cluster', () => {
  it('ask one another, and know who asks', async () => {
    const { at, dials } = cluster([member(1), member(2)]);
    const [first, second] = await Promise.all([
      at(1).ask(nodeId(2), vote, BALLOT, 1_000),
      at(1).ask(nodeId(2), vote, BALLOT, 1_000),
    ]);
    expect(first.errorCode).toBe(1);
    expect(second.topics[0]?.topicName).toBe('c');
    expect(dials()).toBe(1);
    expect(at(1).states()).toEqual([{ nodeId: 2, state: 'up', reason: null }]);
  });

  it('ask one that cannot be dialled over the connection by which it came', async () => {
    const { at, hidden, dials } = cluster([member(1), member(2)]);
    await at(1).ask(nodeId(2), vote, BALLOT, 1_000);
    hidden.add(nodeId(1));
    expect((await at(2).ask(nodeId(1), vote, BALLOT, 1_000)).errorCode).toBe(2);
    expect(dials()).toBe(1);
  });

  it('that have not met their cluster yet are let in', async () => {
    const { at } = cluster([member(1, null), member(2)]);
    expect((await at(1).ask(nodeId(2), vote, BALLOT, 1_000)).errorCode).toBe(1);
  });

  it('tell an asker that its request failed, and go on', async () => {
    let asked = 0;
    const { at, logger } = cluster([member(1), member(2)], (from, request) => {
      if (asked++ === 0) throw new Error('a defect');
      return answering(from, request);
    });
    expect(await why(at(1).ask(nodeId(2), vote, BALLOT, 1_000))).toBe('node 2 refused: a defect');
    expect((await at(1).ask(nodeId(2), vote, BALLOT, 1_000)).errorCode).toBe(1);
    expect(logger.lines.join()).toContain('a request of a peer failed');
  });
});

describe('whoever does not belong is refused by name', () => {
  it.each([
    ['of another cluster', member(2, 'other'), 'belongs to cluster'],
    ['of another id than expected', { ...member(2), nodeId: nodeId(3) }, 'node 3 answers'],
    ['that is the asker itself', { ...member(1), nodeId: nodeId(1) }, 'has reached itself'],
    ['with the same id', { ...member(7), nodeId: nodeId(1) }, 'there are two nodes 1'],
  ])('a member %s', async (_, other, message) => {
    const own = member(1);
    const clock = new ManualClock();
    const options = { clock, random: seededRandom(1), logger: silentLogger, answer: answering };
    const there = new Peers({
      ...options,
      self: () => other,
      address: () => undefined,
      dial: () => Promise.reject(new Error('nobody')),
    });
    const here = new Peers({
      ...options,
      self: () => own,
      address: () => ({ host: 'node', port: 2 }),
      dial() {
        const pair = connectionPair();
        there.accept(pair.ends[1]);
        return Promise.resolve(pair.ends[0]);
      },
    });
    expect(await why(here.ask(nodeId(2), vote, BALLOT, 1_000))).toContain(message);
  });

  it('a stranger that says nothing, or anything else, and its bytes are not collected', async () => {
    const { at, clock, logger } = cluster([member(1)]);
    const closed: string[] = [];
    const stranger = (name: string, bytes: readonly Uint8Array[]): void => {
      const { ends } = connectionPair();
      at(1).accept(ends[1]);
      ends[0].start({ onBytes() {}, onDrain() {}, onClose: () => closed.push(name) });
      if (bytes.length > 0) ends[0].send(bytes);
    };
    stranger('silent', []);
    stranger('HTTP', [new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')]);
    stranger('asks first', [Uint8Array.of(0, 0, 0, 9, 1, 0, 0, 0, 1, 0, 52, 0, 2)]);
    stranger('large', [Uint8Array.of(4, 0, 0, 0), new Uint8Array(9_000)]);
    await settle();
    expect(closed.sort()).toEqual(['HTTP', 'asks first', 'large']);
    clock.advance(HELLO_TIMEOUT_MS);
    await settle();
    expect(closed).toContain('silent');
    expect(logger.lines.filter((line) => line.includes('a peer was refused'))).toHaveLength(4);
  });
});

describe('a way that is lost', () => {
  it('ends the questions that are open on it; the next one dials again', async () => {
    let isSilent = true;
    const { at, pairs, dials } = cluster([member(1), member(2)], (from, request) =>
      isSilent ? new Promise(() => {}) : answering(from, request),
    );
    const asked = why(at(1).ask(nodeId(2), vote, BALLOT, 60_000));
    await settle();
    pairs[0]!.cut(new Error('the cable'));
    expect(await asked).toContain('the connection to node 2 ended: the cable');
    isSilent = false;
    expect((await at(1).ask(nodeId(2), vote, BALLOT, 1_000)).errorCode).toBe(1);
    expect(dials()).toBe(2);
  });

  it('is not dialled without end: questions fail at once until the next attempt is due', async () => {
    const { at, clock, away, dials } = cluster([member(1), member(2)]);
    away.add(nodeId(2));
    for (let n = 0; n < 20; n++)
      expect(await why(at(1).ask(nodeId(2), vote, BALLOT, 1_000))).toContain('nobody listens');
    expect(dials()).toBe(1);
    away.delete(nodeId(2));
    clock.advance(PEER_BACKOFF_MS_MAX);
    await settle();
    expect((await at(1).ask(nodeId(2), vote, BALLOT, 1_000)).errorCode).toBe(1);
  });

  it('keeps nobody waiting longer than he wanted', async () => {
    const { at, clock } = cluster([member(1), member(2)], () => new Promise(() => {}));
    const asked = why(at(1).ask(nodeId(2), vote, BALLOT, 500));
    await settle();
    clock.advance(500);
    expect(await asked).toContain('did not answer within 500 ms');
  });
});

describe('a link whose cable is out', () => {
  it('is found out by its silence, at both ends, and dialled anew', async () => {
    const { clock, pairs, at, dials, lost } = cluster([member(1), member(2)]);
    await at(1).ask(nodeId(2), vote, BALLOT, 1_000);
    pairs[0]!.mute();
    const open = why(at(1).ask(nodeId(2), vote, BALLOT, 60_000));
    for (let passedMs = 0; passedMs < 2 * PEER_SILENCE_MS_MAX; passedMs += 500) {
      clock.advance(500);
      await settle();
    }
    expect(await open).toContain('nothing came from node 2 for 10000 ms');
    expect(lost.sort()).toEqual(['1 lost 2', '2 lost 1']);
    expect((await at(1).ask(nodeId(2), vote, BALLOT, 1_000)).errorCode).toBe(1);
    expect(dials()).toBe(2);
  });

  it('is not one that nobody uses: who is quiet is asked, and answers', async () => {
    const { clock, at, dials } = cluster([member(1), member(2)]);
    await at(1).ask(nodeId(2), vote, BALLOT, 1_000);
    for (let passedMs = 0; passedMs < 6 * PEER_SILENCE_MS_MAX; passedMs += 500) {
      clock.advance(500);
      await settle();
    }
    expect(at(1).states()).toEqual([{ nodeId: 2, state: 'up', reason: null }]);
    expect(dials()).toBe(1);
  });
});
