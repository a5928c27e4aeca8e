import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildBatch,
  crc32cJs,
  endTxnMarker,
  offset,
  utf8Decode,
  utf8Encode,
} from '@odradek/protocol';
import type { ClientHost } from '../host.ts';
import { FetchSession } from './fetch-session.ts';
import { Fetched } from './fetched.ts';
import type { AbortedTransaction } from './fetched.ts';
import { FinishedPrefix } from './finished-prefix.ts';
import { PartitionState } from './partition-state.ts';

const host = { crc32c: crc32cJs } as ClientHost;

function batch(baseOffset: number, values: readonly string[], producerId = -1): Uint8Array {
  return buildBatch({
    baseOffset: offset(baseOffset),
    records: values.map((value) => ({ timestampMs: 0, value: utf8Encode(value) })),
    ...(producerId >= 0 && {
      producerId,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    }),
    crc32c: crc32cJs,
  });
}

const marker = (baseOffset: number, kind: 'abort' | 'commit', producerId: number): Uint8Array =>
  buildBatch({
    baseOffset: offset(baseOffset),
    records: [endTxnMarker(kind, 0, 0)],
    producerId,
    producerEpoch: 0,
    isTransactional: true,
    isControl: true,
    crc32c: crc32cJs,
  });

function valuesOf(
  batches: readonly Uint8Array[],
  aborted: readonly AbortedTransaction[] | null,
  from = 0,
): { readonly values: readonly string[]; readonly position: number } {
  const fetched = new Fetched(new Uint8Array(Buffer.concat(batches)), aborted);
  const values: string[] = [];
  let position = from;
  while (!fetched.isRead) {
    const read = fetched.read(host, 't', 0, position);
    position = read.nextOffset;
    values.push(...read.records.map(({ value }) => utf8Decode(value!)));
  }
  return { values, position };
}

describe('what was fetched', () => {
  const log = [
    batch(0, ['plain']),
    batch(1, ['a1', 'a2'], 7),
    batch(3, ['b1'], 8),
    marker(4, 'abort', 7),
    batch(5, ['a3'], 7),
    marker(6, 'commit', 8),
    marker(7, 'commit', 7),
  ];

  it('is without what was aborted, and without markers, when committed records are wanted', () => {
    const aborted = [{ producerId: 7, firstOffset: 1 }];
    expect(valuesOf(log, aborted)).toEqual({ values: ['plain', 'b1', 'a3'], position: 8 });
  });

  it('is everything but markers when uncommitted records are wanted too', () => {
    expect(valuesOf(log, null)).toEqual({ values: ['plain', 'a1', 'a2', 'b1', 'a3'], position: 8 });
  });

  it('begins at the position, though its first batch begins before', () => {
    expect(valuesOf(log, [], 2).values).toEqual(['a2', 'b1', 'a3']);
  });

  it('is refused when it is damaged', () => {
    const damaged = batch(0, ['x']);
    damaged[damaged.length - 1]! ^= 1;
    expect(() => valuesOf([damaged], null)).toThrow('t-0: the batch at offset 0 is damaged');
  });
});

describe('the finished prefix', () => {
  it('ends at the first record that is not finished, whatever the order in which they finish', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 200 }),
        fc.infiniteStream(fc.nat()),
        (places, chance) => {
          const offsets = places.toSorted((a, b) => a - b);
          const prefix = new FinishedPrefix(0);
          for (const each of offsets) prefix.started(each);
          prefix.passed(6000);
          const left = [...offsets];
          expect(prefix.committable).toBe(offsets[0]);
          while (left.length > 0) {
            const [finished] = left.splice(chance.next().value % left.length, 1);
            prefix.finished(finished!);
            expect(prefix.committable).toBe(left[0] ?? 6000);
            expect(prefix.hasWork).toBe(left.length > 0);
          }
        },
      ),
    );
  });
});

describe('a fetch session', () => {
  const at = (partition: number, place: number) => ({
    topic: 't',
    partition,
    offset: place,
    leaderEpoch: 0,
  });

  it('names everything first, then what has changed and what is no longer wanted', () => {
    const session = new FetchSession();
    expect(session.next([at(0, 0), at(1, 0)])).toMatchObject({ sessionId: 0, sessionEpoch: 0 });
    session.answered(99);
    const second = session.next([at(0, 5), at(1, 0)]);
    expect(second).toMatchObject({
      sessionId: 99,
      sessionEpoch: 1,
      changed: [at(0, 5)],
      forgotten: [],
    });
    session.answered(99);
    const third = session.next([at(0, 5)]);
    expect(third).toMatchObject({ sessionEpoch: 2, changed: [], forgotten: [at(1, 0)] });
  });

  it('names everything again after the broker has forgotten it, or never wanted it', () => {
    const session = new FetchSession();
    session.next([at(0, 0)]);
    session.answered(0);
    expect(session.next([at(0, 0)])).toMatchObject({
      sessionId: 0,
      sessionEpoch: 0,
      changed: [at(0, 0)],
    });
    session.answered(5);
    session.reset();
    expect(session.next([at(0, 0)])).toMatchObject({
      sessionId: 0,
      sessionEpoch: 0,
      changed: [at(0, 0)],
    });
  });
});

describe("a partition's place", () => {
  it('must be checked when the leader has changed since, and it is known by which epoch it came', () => {
    const state = new PartitionState('t', 0);
    state.moveTo(10, 3);
    expect(state.mustCheck(5)).toBe(false);
    state.checkedEpoch = 4;
    expect(state.mustCheck(4)).toBe(false);
    expect(state.mustCheck(5)).toBe(true);
    state.moveTo(10);
    expect(state.mustCheck(5)).toBe(false);
  });

  it('makes meaningless what was asked for before a seek', () => {
    const state = new PartitionState('t', 0);
    const { version } = state;
    state.moveTo(10);
    expect(state.version).not.toBe(version);
    expect(state.fetchOffset).toBe(10);
  });
});
