import { ErrorCode, leaderEpoch, offset, type FetchResponse, type Uuid } from '@odradek/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FollowerSession,
  partitionKey,
  type SessionPart,
  type WantedPartition,
} from './follower-session.ts';

const TOPICS = ['a', 'b'].map((it) => it.repeat(32) as Uuid);

const wanted = (
  topic: number,
  partition: number,
  fetchOffset: number,
  epoch = 1,
): WantedPartition => ({
  key: partitionKey(TOPICS[topic]!, partition),
  topic: `t${topic}`,
  topicId: TOPICS[topic]!,
  partition,
  currentLeaderEpoch: leaderEpoch(epoch),
  fetchOffset: offset(fetchOffset),
  lastFetchedEpoch: leaderEpoch(-1),
  logStartOffset: offset(0),
  highWatermark: offset(0),
});

const answered = (
  session: FollowerSession,
  sessionId: number,
  errorCode: ErrorCode = ErrorCode.NONE,
) =>
  session.answered({
    throttleTimeMs: 0,
    errorCode,
    sessionId,
    responses: [],
    nodeEndpoints: [],
  } satisfies FetchResponse);

const named = (part: SessionPart) =>
  part.topics.flatMap((it) =>
    it.partitions.map((one) => [it.topic, one.partition, one.fetchOffset]),
  );

describe('a follower’s session', () => {
  it('names all at first, then what changed, and forgets what is not asked for', () => {
    const session = new FollowerSession();
    const first = session.next([wanted(0, 0, 5), wanted(0, 1, 0), wanted(1, 0, 3)], 100);
    expect([first.sessionId, first.sessionEpoch, named(first).length]).toEqual([0, 0, 3]);
    answered(session, 77);
    const second = session.next([wanted(0, 0, 6), wanted(1, 0, 3)], 100);
    expect([second.sessionId, second.sessionEpoch]).toEqual([77, 1]);
    expect(named(second)).toEqual([['t0', 0, 6]]);
    expect(second.forgottenTopicsData).toEqual([
      { topic: 't0', topicId: TOPICS[0], partitions: [1] },
    ]);
    expect(session.asked(partitionKey(TOPICS[0]!, 0))?.fetchOffset).toBe(6);
    expect(session.asked(partitionKey(TOPICS[0]!, 1))).toBeUndefined();
  });

  it('that the leader has lost, or whose answer was lost, begins anew', () => {
    const session = new FollowerSession();
    session.next([wanted(0, 0, 5)], 100);
    answered(session, 77);
    session.next([], 100);
    expect(answered(session, 0, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)).toBe(false);
    const again = session.next([wanted(0, 0, 5)], 100);
    expect([again.sessionId, again.sessionEpoch, named(again).length]).toEqual([0, 0, 1]);
    answered(session, 78);
    session.failed();
    const replaced = session.next([wanted(0, 0, 5)], 100);
    expect([replaced.sessionId, replaced.sessionEpoch, named(replaced).length]).toEqual([78, 0, 1]);
  });

  it('is none where the leader gives none: every request names all', () => {
    const session = new FollowerSession();
    for (let n = 0; n < 3; n++) {
      const part = session.next([wanted(0, 0, 5)], 100);
      expect([part.sessionEpoch, named(part).length]).toEqual([0, 1]);
      answered(session, 0);
    }
  });

  it('leaves the leader with exactly what is wanted, whatever is lost on the way', () => {
    const set = fc.uniqueArray(fc.tuple(fc.nat(1), fc.nat(3), fc.nat(4)), {
      selector: ([topic, partition]) => `${topic}:${partition}`,
      maxLength: 6,
    });
    const outcome = fc.constantFrom('answered', 'lost', 'unheard', 'forgotten');
    fc.assert(
      fc.property(fc.array(fc.tuple(set, outcome), { maxLength: 20 }), (rounds) => {
        const session = new FollowerSession();
        let known = new Map<string, number>();
        let [id, epoch] = [0, 0];
        for (const [partitions, what] of rounds) {
          const part = session.next(
            partitions.map(([topic, partition, at]) => wanted(topic, partition, at)),
            100,
          );
          if (what === 'unheard') {
            session.failed();
            continue;
          }
          const isFull = part.sessionEpoch === 0;
          const isKnown =
            what !== 'forgotten' &&
            (isFull || (part.sessionId === id && part.sessionEpoch === epoch));
          if (!isKnown) {
            answered(session, 0, ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
            known = new Map();
            continue;
          }
          if (isFull) {
            known = new Map();
            id += 1;
            epoch = 0;
          }
          epoch += 1;
          for (const [topic, partition, at] of named(part))
            known.set(`${topic}:${partition}`, Number(at));
          for (const { topic, partitions: gone } of part.forgottenTopicsData ?? []) {
            for (const it of gone) known.delete(`${topic}:${it}`);
          }
          const expected = new Map(
            partitions.map(([topic, partition, at]) => [`t${topic}:${partition}`, at]),
          );
          expect([...known].toSorted()).toEqual([...expected].toSorted());
          if (what === 'lost') session.failed();
          else answered(session, id);
        }
      }),
    );
  });
});
