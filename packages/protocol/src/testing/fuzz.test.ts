import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  describeGroupsRequest,
  fetchRequest,
  metadataRequest,
  metadataResponse,
  offsetCommitRequest,
} from '../apis/index.ts';
import { MalformedFrame } from '../bytes/malformed-frame.ts';
import { Reader, SLOTS_MIN } from '../bytes/reader.ts';
import { decode, encode, type Message } from '../schema/message.ts';
import { damagedRequests, fuzzDecode } from './fuzz.ts';

describe('damaged frames', () => {
  it('of every API and version are read or refused, nothing else', () => {
    const report = fuzzDecode(20_261_122, 30_000);
    expect(report.frames).toBe(30_000);
    // Both must be common, or the damage is too great or too small to find anything.
    expect(report.decoded).toBeGreaterThan(3_000);
    expect(report.refused).toBeGreaterThan(10_000);
  });

  it('are the same for the same seed', () => {
    expect(fuzzDecode(7, 500)).toEqual(fuzzDecode(7, 500));
    const [first, again] = [damagedRequests(3), damagedRequests(3)];
    for (let i = 0; i < 50; i++) expect(first.next().value).toEqual(again.next().value);
  });
});

describe('memory', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;

  /** Bytes of heap that the decoded body keeps, or undefined when it was refused. */
  function retained(of: Message, version: number, frame: Uint8Array): number | undefined {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    let body: unknown;
    try {
      body = decode(of, version, frame);
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedFrame);
      return undefined;
    }
    collectGarbage();
    const after = process.memoryUsage().heapUsed;
    expect(body).toBeDefined();
    return after - before;
  }

  /** Honest frames, as dense as they come: many small elements. */
  const dense: readonly (readonly [string, Message, number, (n: number) => unknown])[] = [
    ['empty names', metadataRequest, 9, (n) => ({ topics: fill(n, { name: '' }) })],
    ['names of one letter', describeGroupsRequest, 5, (n) => ({ groups: fill(n, 'g') })],
    ['topic ids', metadataRequest, 12, (n) => ({ topics: fill(n, { name: null }) })],
    [
      'partitions',
      fetchRequest,
      12,
      (n) => ({
        maxWaitMs: 0,
        minBytes: 0,
        topics: [
          {
            topic: 't',
            partitions: fill(n, { partition: 0, fetchOffset: 2 ** 40, partitionMaxBytes: 1 }),
          },
        ],
        forgottenTopicsData: fill(n, { topic: '', partitions: [] }),
      }),
    ],
    [
      'offsets',
      offsetCommitRequest,
      8,
      (n) => ({
        groupId: '',
        memberId: '',
        topics: fill(n, {
          name: '',
          partitions: [{ partitionIndex: 0, committedOffset: 2 ** 40, committedMetadata: 'é' }],
        }),
      }),
    ],
  ];

  function fill<T>(count: number, element: T): T[] {
    return Array.from({ length: count }, () => element);
  }

  it.each(dense)('of %s stays below eight times the frame', (_, of, version, bodyOf) => {
    let accepted = 0;
    for (const count of [5_000, 100_000]) {
      const frame = Buffer.concat(encode(of, version, bodyOf(count) as never));
      const bytes = retained(of, version, frame);
      if (bytes === undefined) continue;
      accepted++;
      // A small frame may take more for its size; and the heap is never quite still.
      expect(bytes).toBeLessThan(Math.max(8 * frame.length, 8 * SLOTS_MIN) + 2 ** 20);
    }
    expect(accepted).toBeGreaterThan(0);
  });

  it('of a false count is not taken', () => {
    const claim = Buffer.alloc(1_000_000, 0);
    claim.writeInt32BE(400_000, 0);
    const before = process.memoryUsage().heapUsed;
    expect(() => decode(metadataRequest, 1, claim)).toThrow(MalformedFrame);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 20);
  });

  it('has room for what real answers are', () => {
    // A cluster of 100,000 partitions, told to a client.
    const topics = fill(100, {
      errorCode: 0,
      name: 'topic',
      partitions: fill(1000, {
        errorCode: 0,
        partitionIndex: 1,
        leaderId: 1,
        leaderEpoch: 5,
        replicaNodes: [1],
        isrNodes: [1],
      }),
    });
    const body = { brokers: [], topics };
    const frame = Buffer.concat(encode(metadataResponse, 12, body as never));
    expect(decode(metadataResponse, 12, new Reader(frame, 4)).topics.length).toBe(100);
  });
});
