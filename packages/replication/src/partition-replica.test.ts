import { ErrorCode, leaderEpoch, nodeId, offset } from '@odradek/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PartitionAssignment } from './assignment.ts';
import { PartitionReplica, type RequiredAcks } from './partition-replica.ts';
import type { PartitionRead, ReadRequest } from './reading.ts';
import { FakeLog } from './testing/fake-log.ts';

const ONE = nodeId(1);
const TWO = nodeId(2);

const assigned = (over: Partial<PartitionAssignment> = {}): PartitionAssignment => ({
  replicas: [ONE],
  isr: [ONE],
  leader: ONE,
  leaderEpoch: leaderEpoch(0),
  partitionEpoch: 0,
  ...over,
});

/** A replica that leads, over a log without a disk. */
const leader = (over: Partial<PartitionAssignment> = {}, minInsyncReplicas = 1) => {
  const log = new FakeLog();
  const failedReads: unknown[] = [];
  const replica = new PartitionReplica({
    topic: 'words',
    partition: 0,
    nodeId: ONE,
    settings: { minInsyncReplicas },
    onReadFailed: (error) => failedReads.push(error),
  });
  replica.attach(log.asLog);
  replica.lead(assigned(over));
  const told: string[] = [];
  const append = (acks: RequiredAcks, count = 1, name = '') =>
    replica.append({ records: new Uint8Array(count), acks, origin: 'client' }, (errorCode) =>
      told.push(`${name}${errorCode}`),
    );
  return { log, replica, told, append, failedReads };
};

const readFrom = (fetchOffset: number, over: Partial<ReadRequest> = {}): ReadRequest => ({
  fetchOffset: offset(fetchOffset),
  currentLeaderEpoch: -1,
  lastFetchedEpoch: -1,
  maxBytes: 1000,
  atLeastOneBatch: true,
  isolation: 'readUncommitted',
  ...over,
});

const read = (replica: PartitionReplica, fetchOffset: number, over: Partial<ReadRequest> = {}) =>
  replica.read(readFrom(fetchOffset, over)) as PartitionRead;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a produce', () => {
  it('with acks=0 is decided and not answered', () => {
    const { log, append, told } = leader();
    expect(append(0).status).toBe('appended');
    log.flushTo(1);
    expect(told).toEqual([]);
  });

  it('with acks=1 is answered when it is flushed, and not before', () => {
    const { log, append, told } = leader();
    expect(append(1, 3)).toMatchObject({ status: 'appended', baseOffset: 0, lastOffset: 2 });
    log.flushTo(2);
    expect(told).toEqual([]);
    log.flushTo(3);
    expect(told).toEqual(['0']);
  });

  it('with acks=all is answered when the high watermark covers it, which readers then see', () => {
    const { log, replica, append, told } = leader();
    append(-1, 2);
    expect(read(replica, 0)).toMatchObject({ highWatermark: 0, sizeBytes: 0 });
    log.flushTo(2);
    expect(told).toEqual(['0']);
    expect(read(replica, 0)).toMatchObject({ highWatermark: 2, sizeBytes: 2 });
  });

  it('with acks=all waits for a replica of the ISR that has not been heard of', () => {
    const { log, append, told } = leader({ replicas: [ONE, TWO], isr: [ONE, TWO] });
    append(1, 1, 'one ');
    append(-1, 1, 'all ');
    log.flushTo(2);
    expect(told).toEqual(['one 0']);
    expect(log.highWatermark).toBe(0);
  });

  it('is answered when the ISR shrinks to those who have it', () => {
    const { log, replica, append, told } = leader({ replicas: [ONE, TWO], isr: [ONE, TWO] });
    append(-1);
    log.flushTo(1);
    expect(told).toEqual([]);
    replica.lead(assigned({ replicas: [ONE, TWO], isr: [ONE], partitionEpoch: 1 }));
    expect(told).toEqual(['0']);
  });

  it('with acks=all is refused before the append while too few are in sync, others are not', () => {
    const { log, append, told } = leader({}, 2);
    expect(append(-1)).toMatchObject({
      status: 'refused',
      errorCode: ErrorCode.NOT_ENOUGH_REPLICAS,
    });
    expect(log.logEndOffset).toBe(0);
    expect(append(1).status).toBe('appended');
    log.flushTo(1);
    expect(told).toEqual(['0']);
  });

  it('with acks=all is reported after the append when too few are in sync by then', () => {
    const { log, replica, append, told } = leader();
    append(-1);
    replica.settings = { minInsyncReplicas: 2 };
    log.flushTo(1);
    expect(told).toEqual([String(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND)]);
  });

  it('that repeats one under way is answered with it, and one that is safe in the next turn', async () => {
    const { log, append, told } = leader();
    append(-1, 2, 'first ');
    log.repeats = { baseOffset: 0, lastOffset: 1 };
    expect(append(-1, 2, 'repeat ')).toMatchObject({ status: 'duplicate', baseOffset: 0 });
    log.flushTo(2);
    expect(told).toEqual(['first 0', 'repeat 0']);
    append(1, 2, 'late ');
    expect(told).toHaveLength(2);
    await turn();
    expect(told.at(-1)).toBe('late 0');
  });

  it('that the log refuses is never acknowledged', () => {
    const { log, append, told } = leader();
    log.refusal = ErrorCode.CORRUPT_MESSAGE;
    expect(append(-1)).toMatchObject({ status: 'refused', errorCode: ErrorCode.CORRUPT_MESSAGE });
    log.flushTo(0);
    expect(told).toEqual([]);
  });

  it('is told when the leadership goes, when the log fails, when the partition goes', () => {
    for (const [end, errorCode] of [
      [
        (it: PartitionReplica) => it.follow(assigned({ leader: TWO })),
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
      ],
      [(it: PartitionReplica) => it.goOffline('fdatasync'), ErrorCode.KAFKA_STORAGE_ERROR],
      [
        (it: PartitionReplica) => it.retire(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ],
    ] as const) {
      const { log, replica, append, told } = leader();
      append(1, 1, 'one ');
      append(-1, 1, 'all ');
      expect(replica.waitingProduces).toBe(2);
      end(replica);
      expect(told).toEqual([`one ${errorCode}`, `all ${errorCode}`]);
      // What the disk says later is nobody's business any more.
      log.flushTo(2);
      expect(told).toHaveLength(2);
      expect(replica.waitingProduces).toBe(0);
    }
  });

  it('finds who leads, and who does not', () => {
    const { replica, append } = leader();
    replica.follow(assigned({ leader: TWO }));
    expect(append(1)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    replica.goOffline('fdatasync');
    expect(append(1)).toMatchObject({
      errorCode: ErrorCode.KAFKA_STORAGE_ERROR,
      message: 'the partition is offline: fdatasync',
    });
    replica.retire(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(append(1)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
  });
});

describe('the marks of a leader', () => {
  it('rise with the disk, answer in order, and nothing is acknowledged beyond them', () => {
    const aStep = fc.oneof(
      fc.record({
        do: fc.constant('append' as const),
        acks: fc.constantFrom(1, -1),
        count: fc.integer({ min: 1, max: 4 }),
      }),
      fc.record({
        do: fc.constant('flush' as const),
        part: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    );
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 60 }), (steps) => {
        const { log, replica } = leader();
        const answered: { acks: number; nextOffset: number }[] = [];
        let asked = 0;
        let lastMark = 0;
        for (const step of steps) {
          if (step.do === 'append') {
            asked += 1;
            const acks = step.acks as RequiredAcks;
            const outcome = replica.append(
              { records: new Uint8Array(step.count), acks, origin: 'client' },
              (errorCode) => {
                expect(errorCode).toBe(ErrorCode.NONE);
                const mark = acks === 1 ? log.flushedOffset : log.highWatermark;
                expect(nextOffset).toBeLessThanOrEqual(mark);
                answered.push({ acks, nextOffset });
              },
            );
            const nextOffset = outcome.status === 'appended' ? outcome.lastOffset + 1 : Infinity;
          } else {
            const { flushedOffset, logEndOffset } = log;
            log.flushTo(flushedOffset + Math.floor(step.part * (logEndOffset - flushedOffset)));
          }
          expect(log.highWatermark).toBeGreaterThanOrEqual(lastMark);
          expect(log.highWatermark).toBeLessThanOrEqual(log.flushedOffset);
          lastMark = log.highWatermark;
        }
        log.flushTo(log.logEndOffset);
        expect(answered).toHaveLength(asked);
        for (const acks of [1, -1]) {
          const own = answered.filter((it) => it.acks === acks).map((it) => it.nextOffset);
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      }),
    );
  });
});

describe('a reader', () => {
  it('is fenced by the leader epoch that it believes in', () => {
    const { replica } = leader({ leaderEpoch: leaderEpoch(5) });
    const ask = (currentLeaderEpoch: number) => read(replica, 0, { currentLeaderEpoch }).errorCode;
    expect(ask(-1)).toBe(ErrorCode.NONE);
    expect(ask(5)).toBe(ErrorCode.NONE);
    expect(ask(4)).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    expect(ask(6)).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    replica.follow(assigned({ leader: TWO, leaderEpoch: leaderEpoch(6) }));
    // The epoch is looked at first: it says more than "not me".
    expect(ask(5)).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    expect(ask(6)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    replica.goOffline('gone');
    expect(ask(-1)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });

  it('is told what lies out of range, and waits at the end', () => {
    const { log, replica, append } = leader();
    append(1, 10);
    log.flushTo(10);
    log.logStartOffset = offset(3);
    expect(read(replica, 2).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(read(replica, 11).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(read(replica, 10)).toMatchObject({ errorCode: ErrorCode.NONE, sizeBytes: 0 });
    expect(read(replica, 3)).toMatchObject({
      errorCode: ErrorCode.NONE,
      sizeBytes: 7,
      logStartOffset: 3,
    });
  });

  it('sees nothing between the high watermark and the end', () => {
    const { log, replica, append } = leader();
    append(1, 4);
    log.flushTo(2);
    expect(read(replica, 3)).toMatchObject({
      errorCode: ErrorCode.NONE,
      sizeBytes: 0,
      highWatermark: 2,
    });
    expect(read(replica, 1)).toMatchObject({ errorCode: ErrorCode.NONE, sizeBytes: 1 });
  });

  it('under read_committed stops at the last stable offset and is given a list', () => {
    const { log, replica, append } = leader();
    append(1, 10);
    log.flushTo(10);
    log.unstableFrom = offset(6);
    log.aborted = () => [{ producerId: 9, firstOffset: 2 } as never];
    const committed = { isolation: 'readCommitted' } as const;
    expect(read(replica, 0, committed)).toMatchObject({
      sizeBytes: 6,
      lastStableOffset: 6,
      highWatermark: 10,
      abortedTransactions: [{ producerId: 9, firstOffset: 2 }],
    });
    expect(read(replica, 6, committed)).toMatchObject({ sizeBytes: 0, abortedTransactions: [] });
    expect(read(replica, 0)).toMatchObject({ sizeBytes: 10, abortedTransactions: null });
  });

  it('whose log parted from ours is told where', () => {
    const { log, replica, append } = leader({ leaderEpoch: leaderEpoch(3) });
    log.epochs.push(0, 0, 0, 2, 2);
    log.logEndOffset = offset(5);
    append(1, 2);
    log.flushTo(7);
    const ask = (fetchOffset: number, lastFetchedEpoch: number) =>
      read(replica, fetchOffset, { lastFetchedEpoch });
    expect(ask(5, 2)).toMatchObject({ errorCode: ErrorCode.NONE, sizeBytes: 2 });
    expect(ask(6, 2)).toMatchObject({ divergingEpoch: { epoch: 2, endOffset: 5 }, sizeBytes: 0 });
    expect(ask(4, 1)).toMatchObject({ divergingEpoch: { epoch: 0, endOffset: 3 }, sizeBytes: 0 });
    expect(ask(7, 4)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
    log.logStartOffset = offset(4);
    expect(ask(3, 1)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
  });

  it('is woken by whatever may change its answer, until it looks away', () => {
    const { log, replica, append } = leader();
    let woken = 0;
    const watcher = () => (woken += 1);
    replica.watch(watcher);
    append(1, 2);
    expect(woken).toBe(0);
    log.flushTo(1);
    expect(woken).toBe(1);
    log.flushTo(1);
    expect(woken).toBe(1);
    replica.follow(assigned({ leader: TWO }));
    expect(woken).toBe(2);
    replica.goOffline('gone');
    expect(woken).toBe(3);
    replica.unwatch(watcher);
    replica.retire(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(woken).toBe(3);
  });

  it('is told of a storage error when the log cannot be read, and somebody is told why', async () => {
    const { log, replica, append, failedReads } = leader();
    append(1, 2);
    log.flushTo(2);
    const broken = new Error('a batch does not match its checksum');
    const fails = async () =>
      expect((await replica.read(readFrom(0, { isolation: 'readCommitted' }))).errorCode).toBe(
        ErrorCode.KAFKA_STORAGE_ERROR,
      );
    log.reading = () => Promise.reject(broken);
    await fails();
    log.reading = () => {
      throw broken;
    };
    await fails();
    const found = {
      status: 'ok',
      records: [],
      firstOffset: offset(0),
      nextOffset: offset(2),
      sizeBytes: 2,
    } as const;
    log.aborted = () => Promise.reject(broken);
    log.reading = () => found;
    await fails();
    log.reading = () => Promise.resolve(found);
    await fails();
    expect(failedReads).toEqual([broken, broken, broken, broken]);
  });

  it('whose partition goes under the read looks for it again: that is no failure', async () => {
    const { log, replica, append, failedReads } = leader();
    append(1, 2);
    log.flushTo(2);
    log.reading = () => Promise.reject(new Error('the log is closed'));
    const reading = replica.read(readFrom(0));
    replica.retire(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await reading).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(failedReads).toEqual([]);
  });
});

describe('the end of an epoch', () => {
  it('is known for the leader’s own before its first record', () => {
    const { log, replica } = leader({ leaderEpoch: leaderEpoch(0) });
    expect(replica.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 0 });
    log.epochs.push(0, 0, 0);
    log.logEndOffset = offset(3);
    replica.lead(assigned({ leaderEpoch: leaderEpoch(4) }));
    expect(replica.endOffsetForEpoch(4)).toEqual({ epoch: 4, endOffset: 3 });
    expect(replica.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 3 });
    // Epochs in between had no records: they ended with the last one that had.
    expect(replica.endOffsetForEpoch(2)).toEqual({ epoch: 0, endOffset: 3 });
    expect(replica.endOffsetForEpoch(5)).toEqual({ epoch: -1, endOffset: -1 });
    expect(replica.endOffsetForEpoch(-1)).toEqual({ epoch: -1, endOffset: -1 });
  });

  it('is what a log that knew the leader’s epoch from its beginning would say', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(6), { maxLength: 12 }).map((it) => it.toSorted((a, b) => a - b)),
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 0, max: 12 }),
        (epochs, ahead, asked) => {
          const own = (epochs.at(-1) ?? 0) + ahead;
          const { log, replica } = leader({ leaderEpoch: leaderEpoch(own) });
          log.epochs.push(...epochs);
          log.logEndOffset = offset(epochs.length);
          // Kafka's entries: where each epoch began, the leader's own at the end if it has no record yet.
          const starts = epochs.flatMap((epoch, at) =>
            epoch === epochs[at - 1] ? [] : [{ epoch, at }],
          );
          if (own > (epochs.at(-1) ?? -1)) starts.push({ epoch: own, at: epochs.length });
          const next = starts.findIndex((it) => it.epoch > asked);
          const expected =
            asked === own
              ? { epoch: own, endOffset: epochs.length }
              : next < 0
                ? { epoch: -1, endOffset: -1 }
                : { epoch: starts[next - 1]?.epoch ?? asked, endOffset: starts[next]!.at };
          expect(replica.endOffsetForEpoch(asked)).toEqual(expected);
        },
      ),
    );
  });
});
