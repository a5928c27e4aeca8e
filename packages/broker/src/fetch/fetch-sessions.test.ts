import { ErrorCode, type Uuid } from '@odradek/protocol';
import type { PartitionRead } from '@odradek/replication';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '@odradek/ports/testing';
import { seededRandom } from '../testing/test-broker.ts';
import { epochAfter, targetKey, type FetchTarget } from './fetch-session.ts';
import { FetchSessions, type SessionRequest } from './fetch-sessions.ts';

const target = (topic: string, partition: number, fetchOffset = 0): FetchTarget => ({
  topic,
  topicId: null,
  partition,
  fetchOffset,
  maxBytes: 1000,
  currentLeaderEpoch: -1,
  lastFetchedEpoch: -1,
  logStartOffset: -1,
});
const targets = (count: number): FetchTarget[] =>
  Array.from({ length: count }, (_, i) => target('words', i));

const read = (over: Partial<PartitionRead> = {}): PartitionRead => ({
  errorCode: ErrorCode.NONE,
  highWatermark: 0,
  lastStableOffset: 0,
  logStartOffset: 0,
  records: [],
  sizeBytes: 0,
  isCut: false,
  abortedTransactions: null,
  ...over,
});

const cache = (slots = 10) => {
  const clock = new ManualClock();
  const sessions = new FetchSessions(slots, clock, seededRandom(1));
  const ask = (sessionId: number, sessionEpoch: number, over: Partial<SessionRequest> = {}) =>
    sessions.resolve({
      sessionId,
      sessionEpoch,
      usesTopicIds: false,
      targets: [],
      forgotten: [],
      ...over,
    });
  return { clock, sessions, ask };
};

describe('a session', () => {
  it('begins with a full request, and counts the epochs of those that follow', () => {
    const { sessions, ask } = cache();
    expect(ask(0, 0).kind).toBe('full');
    const { id } = sessions.begin(targets(2), false)!;
    expect(id).toBeGreaterThan(0);
    expect(ask(id, 1).kind).toBe('incremental');
    expect(ask(id, 2).kind).toBe('incremental');
    expect(ask(id, 2)).toEqual({
      kind: 'refused',
      errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH,
    });
    expect(ask(id, 4)).toEqual({
      kind: 'refused',
      errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH,
    });
    expect(ask(id, 3).kind).toBe('incremental');
    expect([epochAfter(1), epochAfter(0x7fffffff)]).toEqual([2, 1]);
  });

  it('that nobody knows, or that was named the other way, is refused', () => {
    const { sessions, ask } = cache();
    expect(ask(77, 1)).toEqual({
      kind: 'refused',
      errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    });
    const { id } = sessions.begin(targets(1), true)!;
    expect(ask(id, 1)).toEqual({
      kind: 'refused',
      errorCode: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
    });
    // That did not use up the epoch.
    expect(ask(id, 1, { usesTopicIds: true }).kind).toBe('incremental');
  });

  it('ends when it is told to, and when a new one is begun in its place', () => {
    const { sessions, ask } = cache();
    const { id } = sessions.begin(targets(2), false)!;
    expect(ask(id, -1)).toEqual({ kind: 'sessionless' });
    expect(ask(id, 1).kind).toBe('refused');
    const again = sessions.begin(targets(2), false)!;
    expect(ask(again.id, 0).kind).toBe('full');
    expect([sessions.size, sessions.partitionCount]).toEqual([0, 0]);
    expect(ask(0, -1)).toEqual({ kind: 'sessionless' });
  });

  it('holds what was added, changed and not forgotten, and ends with the last of it', () => {
    const { sessions, ask } = cache();
    const session = sessions.begin([target('words', 0), target('words', 1)], false)!;
    const held = () =>
      session.partitions().map(({ target: it }) => `${it.partition}@${it.fetchOffset}`);
    ask(session.id, 1, { targets: [target('words', 1, 5), target('words', 2, 7)] });
    expect(held()).toEqual(['0@0', '1@5', '2@7']);
    ask(session.id, 2, { forgotten: [targetKey(null, 'words', 0), targetKey(null, 'none', 0)] });
    expect(held()).toEqual(['1@5', '2@7']);
    expect(sessions.partitionCount).toBe(2);
    // What is named both ways is forgotten.
    ask(session.id, 3, {
      targets: [target('words', 1, 9)],
      forgotten: [targetKey(null, 'words', 1)],
    });
    expect(held()).toEqual(['2@7']);
    expect(ask(session.id, 4, { forgotten: [targetKey(null, 'words', 2)] })).toEqual({
      kind: 'sessionless',
    });
    expect([sessions.size, sessions.partitionCount]).toEqual([0, 0]);
  });

  it('tells a topic that was made again from the one before', () => {
    const id = (n: number) => String(n).padStart(32, '0') as Uuid;
    const { sessions, ask } = cache();
    const old = { ...target('', 0), topicId: id(1) };
    const session = sessions.begin([old], true)!;
    ask(session.id, 1, {
      usesTopicIds: true,
      targets: [{ ...old, topicId: id(2) }],
      forgotten: [targetKey(id(1), '', 0)],
    });
    expect(session.partitions().map((it) => it.target.topicId)).toEqual([id(2)]);
  });
});

describe('an incremental answer', () => {
  const begun = () => {
    const { sessions } = cache();
    const session = sessions.begin(targets(3), false)!;
    for (const it of session.partitions()) session.tell(it, read());
    const tell = (partition: number, over: Partial<PartitionRead>) =>
      session.tell(
        session.partitions().find((it) => it.target.partition === partition)!,
        read(over),
      );
    const order = () => session.partitions().map((it) => it.target.partition);
    return { tell, order };
  };

  it('names what is new, once', () => {
    const { tell } = begun();
    expect(tell(0, {})).toBe(false);
    expect(tell(0, { highWatermark: 4 })).toBe(true);
    expect(tell(0, { highWatermark: 4 })).toBe(false);
    expect(tell(0, { highWatermark: 4, logStartOffset: 2 })).toBe(true);
    expect(tell(0, { highWatermark: 4, logStartOffset: 2 })).toBe(false);
    expect(
      tell(0, { highWatermark: 4, logStartOffset: 2, divergingEpoch: { epoch: 1, endOffset: 1 } }),
    ).toBe(true);
  });

  it('names an error each time, and what comes after it', () => {
    const { tell } = begun();
    const error = { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE };
    expect([tell(0, error), tell(0, error), tell(0, {}), tell(0, {})]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('puts who got records to the end', () => {
    const { tell, order } = begun();
    expect(tell(0, { sizeBytes: 10 })).toBe(true);
    expect(order()).toEqual([1, 2, 0]);
    tell(1, { sizeBytes: 10 });
    tell(2, { highWatermark: 9 });
    expect(order()).toEqual([2, 0, 1]);
  });
});

describe('the cache of sessions', () => {
  it('gives none when it is full of sessions in use', () => {
    const { sessions, clock } = cache(2);
    sessions.begin(targets(1), false);
    sessions.begin(targets(1), false);
    clock.advance(120_000);
    expect(sessions.begin(targets(1), false)).toBe(undefined);
    expect([sessions.size, sessions.evictions]).toEqual([2, 0]);
    expect(cache(0).sessions.begin(targets(1), false)).toBe(undefined);
  });

  it('gives the place of the one that is longest unused', () => {
    const { sessions, clock, ask } = cache(2);
    const first = sessions.begin(targets(5), false)!;
    const second = sessions.begin(targets(5), false)!;
    clock.advance(60_000);
    expect(ask(first.id, 1).kind).toBe('incremental');
    clock.advance(60_001);
    expect(sessions.begin(targets(1), false)).toBeDefined();
    expect(ask(second.id, 1).kind).toBe('refused');
    expect(ask(first.id, 2).kind).toBe('incremental');
    expect([sessions.size, sessions.evictions, sessions.partitionCount]).toEqual([2, 1, 6]);
  });

  it('gives the place of an old one that is smaller, though it is used', () => {
    const { sessions, clock, ask } = cache(2);
    const small = sessions.begin(targets(1), false)!;
    const large = sessions.begin(targets(9), false)!;
    const use = (epoch: number) => [small, large].map((it) => ask(it.id, epoch).kind);
    clock.advance(119_000);
    use(1);
    expect(sessions.begin(targets(5), false)).toBe(undefined);
    clock.advance(2_000);
    use(2);
    expect(sessions.begin(targets(1), false)).toBe(undefined);
    expect(sessions.begin(targets(5), false)).toBeDefined();
    expect(use(3)).toEqual(['refused', 'incremental']);
  });

  it('bounds the partitions of one session and of all', () => {
    const { sessions, ask } = cache(100);
    expect(sessions.begin(targets(100_001), false)).toBe(undefined);
    const full = sessions.begin(targets(100_000), false)!;
    expect(ask(full.id, 1, { targets: [target('one more', 0)] })).toEqual({
      kind: 'refused',
      errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    });
    expect(sessions.partitionCount).toBe(0);
    const many = targets(100_000);
    for (let n = 0; n < 10; n++) expect(sessions.begin(many, false)).toBeDefined();
    expect(sessions.begin(targets(1), false)).toBe(undefined);
    expect(sessions.partitionCount).toBe(1_000_000);
  });
});
