import { ErrorCode, leaderEpoch, nodeId } from '@odradek/protocol';
import type { PartitionRead, PartitionReplica } from '@odradek/replication';
import { MemoryDisk } from '@odradek/storage/memory';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '@odradek/ports/testing';
import { openReplica } from '../testing/open-replica.ts';
import { batchOf, valuesIn } from '../testing/records.ts';
import { seededRandom } from '../testing/test-broker.ts';
import { settle } from '../testing/turns.ts';
import type { FetchTarget } from './fetch-session.ts';
import { gather, type GatherHost, type GatheredRead, type GatherRequest } from './gather.ts';

const BATCH_BYTES = batchOf(['a']).byteLength;

const targetOf = (topic: string, over: Partial<FetchTarget> = {}): FetchTarget => ({
  topic,
  topicId: null,
  partition: 0,
  fetchOffset: 0,
  maxBytes: 1_000_000,
  currentLeaderEpoch: -1,
  lastFetchedEpoch: -1,
  logStartOffset: -1,
  ...over,
});

/** Some partitions, and a client who asks for them. */
const world = async (...topics: string[]) => {
  const clock = new ManualClock();
  const opened = new Map(
    await Promise.all(
      topics.map(async (it) => [it, await openReplica(it, new ManualClock())] as const),
    ),
  );
  const found = new Map<string, PartitionReplica | ErrorCode>(
    [...opened].map(([name, { replica }]) => [name, replica]),
  );
  const leaving = new Set<() => void>();
  const budget = { left: Infinity, taken: 0 };
  const ask = (
    targets: readonly (string | FetchTarget)[],
    over: Partial<Omit<GatherRequest, 'targets'>> = {},
    more: Partial<GatherHost> = {},
  ) =>
    gather(
      {
        targets: targets.map((it) => (typeof it === 'string' ? targetOf(it) : it)),
        minBytes: 1,
        maxBytes: 1_000_000,
        maxWaitMs: 500,
        isolation: 'readUncommitted',
        ...over,
      },
      {
        clock,
        replicaOf: ({ topic }) => found.get(topic) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        onClosed(listener) {
          leaving.add(listener);
          return () => leaving.delete(listener);
        },
        takeAnswer(bytes) {
          const taken = Math.min(bytes, budget.left);
          budget.taken += taken;
          return taken;
        },
        giveAnswer: (bytes) => void (budget.taken -= bytes),
        ...more,
      },
    );
  /** A fetch that waits: whether it is answered is asked for. */
  const poll = (...args: Parameters<typeof ask>) => {
    const asked = ask(...args);
    const state: { reads: readonly PartitionRead[] | undefined } = { reads: undefined };
    expect(asked).toBeInstanceOf(Promise);
    void (asked as Promise<readonly PartitionRead[]>).then((reads) => (state.reads = reads));
    return {
      async values() {
        await settle();
        return state.reads?.map(values);
      },
      async reads() {
        await settle();
        return state.reads;
      },
    };
  };
  return {
    clock,
    ask,
    poll,
    found,
    budget,
    leaving,
    append: (topic: string, ...them: string[]) => opened.get(topic)!.append(...them),
    replica: (topic: string) => opened.get(topic)!.replica,
    /** Nothing of a fetch that was answered is left. */
    expectQuiet() {
      expect([clock.pendingTimers, leaving.size, budget.taken]).toEqual([0, 0, 0]);
    },
  };
};

const values = (read: PartitionRead): string[] => read.records.flatMap((it) => valuesIn(it));

describe('a fetch that finds enough', () => {
  it('is answered within the call', async () => {
    const { ask, append, leaving } = await world('a', 'b');
    await append('b', 'x');
    const reads = ask(['a', 'b']);
    expect(reads).not.toBeInstanceOf(Promise);
    expect((reads as PartitionRead[]).map(values)).toEqual([[], ['x']]);
    expect(leaving.size).toBe(0);
  });

  it('gives no more than maxBytes over all, and one batch at least', async () => {
    const { ask, append } = await world('a', 'b', 'c');
    for (const topic of ['a', 'b', 'c'])
      for (const value of ['1', '2', '3']) await append(topic, value);
    const given = (maxBytes: number, ...partitionMaxBytes: number[]) =>
      (
        ask(
          ['a', 'b', 'c'].map((it, i) =>
            targetOf(it, { maxBytes: partitionMaxBytes[i] ?? 1_000_000 }),
          ),
          { maxBytes },
        ) as PartitionRead[]
      ).map((it) => values(it).length);
    expect(given(9 * BATCH_BYTES)).toEqual([3, 3, 3]);
    expect(given(4 * BATCH_BYTES)).toEqual([3, 1, 0]);
    expect(given(1)).toEqual([1, 0, 0]);
    expect(given(0)).toEqual([1, 0, 0]);
    expect(given(9 * BATCH_BYTES, BATCH_BYTES, 2 * BATCH_BYTES, 0)).toEqual([1, 2, 0]);
    // The whole batch that is due goes to the first that has one.
    expect(given(9 * BATCH_BYTES, 1, 1, 1)).toEqual([1, 0, 0]);
  });

  it('gives one batch when clients leave too much untaken', async () => {
    const { ask, append, budget } = await world('a');
    for (const value of ['1', '2', '3']) await append('a', value);
    budget.left = 0;
    expect((ask(['a']) as PartitionRead[]).map(values)).toEqual([['1']]);
    budget.left = 2 * BATCH_BYTES;
    expect((ask(['a']) as PartitionRead[]).map(values)).toEqual([['1', '2']]);
    expect(budget.taken).toBe(0);
  });
});

describe('a fetch that waits', () => {
  it('is answered when minBytes have come, over all its partitions', async () => {
    const { poll, append, expectQuiet } = await world('a', 'b');
    const fetch = poll(['a', 'b'], { minBytes: 3 * BATCH_BYTES });
    await append('a', '1');
    await append('b', '2');
    expect(await fetch.values()).toBe(undefined);
    await append('a', '3');
    expect(await fetch.values()).toEqual([['1', '3'], ['2']]);
    expectQuiet();
  });

  it('is answered with what there is when its time is up', async () => {
    const { poll, append, clock, expectQuiet } = await world('a');
    const fetch = poll(['a'], { minBytes: 9 * BATCH_BYTES, maxWaitMs: 500 });
    await append('a', '1');
    clock.advance(499);
    expect(await fetch.values()).toBe(undefined);
    clock.advance(1);
    expect(await fetch.values()).toEqual([['1']]);
    expectQuiet();
  });

  it('does not wait for more than its own limits let it have', async () => {
    const { ask, poll, append } = await world('a');
    await append('a', '1');
    // Two batches do not fit: what more could come?
    const limits = { minBytes: BATCH_BYTES + 1, maxBytes: 2 * BATCH_BYTES - 1 };
    const fetch = poll(['a'], limits);
    expect(await fetch.values()).toBe(undefined);
    await append('a', '2');
    expect(await fetch.values()).toEqual([['1']]);
    expect((ask(['a'], limits) as PartitionRead[]).map(values)).toEqual([['1']]);
  });

  it('does not wait at all without time or without partitions', async () => {
    const { ask } = await world('a');
    expect(ask(['a'], { maxWaitMs: 0 })).not.toBeInstanceOf(Promise);
    expect(ask(['a'], { minBytes: 0 })).not.toBeInstanceOf(Promise);
    expect(ask([])).toEqual([]);
  });

  it('is answered by an error, at once or when it shows', async () => {
    const { ask, poll, replica } = await world('a', 'b');
    const codes = (reads: readonly PartitionRead[] | undefined) => reads?.map((it) => it.errorCode);
    const range = ask(['a', targetOf('b', { fetchOffset: 9 })]) as PartitionRead[];
    expect(codes(range)).toEqual([ErrorCode.NONE, ErrorCode.OFFSET_OUT_OF_RANGE]);
    const fenced = ask(['a', targetOf('b', { currentLeaderEpoch: 3 })]) as PartitionRead[];
    expect(codes(fenced)).toEqual([ErrorCode.NONE, ErrorCode.UNKNOWN_LEADER_EPOCH]);
    const fetch = poll(['a', 'b']);
    replica('b').goOffline('fdatasync');
    expect(codes(await fetch.reads())).toEqual([ErrorCode.NONE, ErrorCode.KAFKA_STORAGE_ERROR]);
  });

  it('is answered when its leader changes', async () => {
    const { poll, replica } = await world('a');
    const fetch = poll(['a']);
    replica('a').follow({
      replicas: [nodeId(1)],
      isr: [nodeId(1)],
      leader: nodeId(2),
      leaderEpoch: leaderEpoch(1),
      partitionEpoch: 1,
    });
    expect((await fetch.reads())?.[0]!.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  it('is answered when its topic is deleted, and told which', async () => {
    const { poll, found, replica, expectQuiet } = await world('a', 'b');
    const fetch = poll(['a', 'b']);
    found.delete('b');
    replica('b').retire(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await fetch.reads())?.map((it) => it.errorCode)).toEqual([
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    expectQuiet();
  });

  it('waits for the rest when one of its topics was not there from the beginning', async () => {
    const { ask, poll, append } = await world('a');
    expect(ask(['none', 'neither'])).not.toBeInstanceOf(Promise);
    const fetch = poll(['none', 'a']);
    expect(await fetch.reads()).toBe(undefined);
    await append('a', '1');
    expect((await fetch.reads())?.map((it) => [it.errorCode, values(it)])).toEqual([
      [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, []],
      [ErrorCode.NONE, ['1']],
    ]);
  });

  it('is answered when the client leaves, holding nothing that was read', async () => {
    const { poll, append, leaving, expectQuiet } = await world('a');
    await append('a', '1');
    const fetch = poll(['a'], { minBytes: 9 * BATCH_BYTES });
    await settle();
    for (const leave of leaving) leave();
    expect((await fetch.reads())?.[0]).toMatchObject({
      errorCode: ErrorCode.NONE,
      highWatermark: 1,
      sizeBytes: 0,
    });
    expectQuiet();
  });

  it('under read_committed is not woken for good by what is not stable', async () => {
    const { poll, ask, append, replica, clock } = await world('a');
    await append('a', '1');
    replica('a').append(
      {
        records: batchOf(['2'], {
          producerId: 7,
          producerEpoch: 0,
          baseSequence: 0,
          isTransactional: true,
        }),
        acks: 1,
        origin: 'client',
      },
      () => {},
    );
    await settle();
    const next = [targetOf('a', { fetchOffset: 1 })];
    expect((ask(next) as PartitionRead[]).map(values)).toEqual([['2']]);
    const fetch = poll(next, { isolation: 'readCommitted' });
    await append('a', '3');
    expect(await fetch.reads()).toBe(undefined);
    clock.advance(500);
    expect((await fetch.reads())?.[0]).toMatchObject({
      sizeBytes: 0,
      lastStableOffset: 1,
      highWatermark: 3,
      abortedTransactions: [],
    });
  });
});

describe('a fetch from the disk', () => {
  /** One partition whose batch is on the disk only, another that is in memory, and a fetch from the start of both. */
  const onDisk = async () => {
    const clock = new ManualClock();
    const disk = new MemoryDisk({ random: seededRandom(1) });
    const first = await openReplica('a', new ManualClock(), disk);
    await first.append('old');
    await first.log.close({ clean: true });
    disk.crash();
    const { replica } = await openReplica('a', new ManualClock(), disk);
    const other = await openReplica('b', new ManualClock());
    const watchers = new Set<() => void>();
    for (const it of [replica, other.replica]) {
      const watch = it.watch.bind(it);
      it.watch = (watcher) => (watchers.add(watcher), watch(watcher));
      const unwatch = it.unwatch.bind(it);
      it.unwatch = (watcher) => (watchers.delete(watcher), unwatch(watcher));
    }
    const state: { values: string[] | undefined } = { values: undefined };
    const ask = (minBytes: number) =>
      void Promise.resolve(
        gather(
          {
            targets: [targetOf('b'), targetOf('a')],
            minBytes,
            maxBytes: 1_000_000,
            maxWaitMs: 500,
            isolation: 'readUncommitted',
          },
          {
            clock,
            replicaOf: ({ topic }) => (topic === 'a' ? replica : other.replica),
            onClosed: () => () => {},
            takeAnswer: (bytes) => bytes,
            giveAnswer() {},
          },
        ),
      ).then((reads) => (state.values = reads.flatMap(values)));
    return { disk, append: other.append, ask, state, watchers, clock };
  };

  it('sees what came while it looked for the first time', async () => {
    const { disk, append, ask, state, watchers, clock } = await onDisk();
    await append('1');
    // Held between the two partitions: the first was read before the next record came.
    const release = disk.hold('read');
    ask(3 * BATCH_BYTES);
    await settle();
    await append('2');
    expect(watchers.size).toBe(0);
    release();
    await settle();
    expect(state.values).toEqual(['1', '2', 'old']);
    expect([watchers.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('sees what came while it looked again', async () => {
    const { disk, append, ask, state, watchers, clock } = await onDisk();
    ask(4 * BATCH_BYTES);
    await settle();
    expect(watchers.size).toBe(1);
    await append('1');
    await settle();
    const release = disk.hold('read');
    await append('2');
    await settle();
    await append('3');
    release();
    await settle();
    expect(state.values).toEqual(['1', '2', '3', 'old']);
    expect([watchers.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('reads its partitions one after the other, within the same limits', async () => {
    const clock = new ManualClock();
    const disks = [1, 2].map((seed) => new MemoryDisk({ random: seededRandom(seed) }));
    const replicas: PartitionReplica[] = [];
    for (const disk of disks) {
      const { log, append } = await openReplica('a', clock, disk);
      for (const value of ['1', '2']) await append(value);
      await log.close({ clean: true });
      disk.crash();
      // Read anew, nothing is in memory.
      replicas.push((await openReplica('a', clock, disk)).replica);
    }
    let taken = 0;
    const asked = gather(
      {
        targets: [targetOf('0'), targetOf('1')],
        minBytes: 1,
        maxBytes: 3 * BATCH_BYTES,
        maxWaitMs: 0,
        isolation: 'readUncommitted',
      },
      {
        clock,
        replicaOf: ({ topic }) => replicas[Number(topic)]!,
        onClosed: () => () => {},
        takeAnswer: (bytes) => (taken += bytes),
        giveAnswer: (bytes) => void (taken -= bytes),
      },
    );
    expect(asked).toBeInstanceOf(Promise);
    expect(taken).toBe(3 * BATCH_BYTES);
    expect((await asked).map(values)).toEqual([['1', '2'], ['1']]);
    expect(taken).toBe(0);
  });
});

describe('a client with a nearer replica', () => {
  it('is told of it at once and given nothing', async () => {
    const { ask, append, expectQuiet } = await world('a', 'b');
    await append('a', 'x');
    await append('b', 'y');
    const nearerReplica = ({ topic }: FetchTarget) => (topic === 'a' ? nodeId(2) : undefined);
    const [a, b] = ask(['a', 'b'], {}, { nearerReplica }) as GatheredRead[];
    expect([values(a!), a!.preferredReadReplica, a!.highWatermark]).toEqual([[], 2, 1]);
    expect([values(b!), b!.preferredReadReplica]).toEqual([['y'], undefined]);
    // Without a record anywhere too: it would wait here for what it is to wait for there.
    const alone = ask([targetOf('a', { fetchOffset: 1 })], {}, { nearerReplica });
    expect((alone as GatheredRead[])[0]!.preferredReadReplica).toBe(2);
    expectQuiet();
  });

  it('is told first of an offset that is not there', async () => {
    const { ask } = await world('a');
    const reads = ask(
      [targetOf('a', { fetchOffset: 9 })],
      {},
      { nearerReplica: () => nodeId(2) },
    ) as GatheredRead[];
    expect(reads[0]).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
    expect(reads[0]!.preferredReadReplica).toBeUndefined();
  });
});

describe('a follower', () => {
  const replica = { nodeId: nodeId(2), brokerEpoch: -1 };

  it('that is held back is given nothing, and waits as if there were nothing', async () => {
    const { poll, append, clock, expectQuiet } = await followed();
    await append('a', 'x');
    let isHeldBack = true;
    const waiting = poll(['a'], { replica }, { isHeldBack: () => isHeldBack });
    expect(await waiting.values()).toBeUndefined();
    isHeldBack = false;
    clock.advance(500);
    expect(await waiting.values()).toEqual([['x']]);
    expectQuiet();
  });

  it('is answered when the high watermark is news to it', async () => {
    const { poll, ask, append, expectQuiet } = await followed();
    await append('a', 'x');
    const at = targetOf('a', { fetchOffset: 1 });
    const isNews = (_: number, highWatermark: number) => highWatermark > 0;
    expect(ask([at], { replica }, { isNews })).not.toBeInstanceOf(Promise);
    const waiting = poll([at], { replica }, { isNews: (_, it) => it > 1 });
    expect(await waiting.values()).toBeUndefined();
    await append('a', 'y');
    expect(await waiting.values()).toEqual([['y']]);
    expectQuiet();
  });

  /** Its own fetches are not what this is about: it is in no list, and whatever leads holds all. */
  const followed = async () => {
    const it = await world('a');
    const leader = it.replica('a');
    leader.lead({
      ...leader.assignment!,
      replicas: [nodeId(1), nodeId(2)],
      partitionEpoch: 1,
    });
    return it;
  };
});
