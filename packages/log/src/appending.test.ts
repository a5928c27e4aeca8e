import { describe, expect, it } from 'vitest';
import {
  BatchView,
  ErrorCode,
  batchesIn,
  buildBatch,
  crc32cJs,
  endTxnMarker,
  isCrcValid,
  leaderEpoch,
  offset,
  setBaseOffset,
} from '@odradek/protocol';
import { seededRandom } from '@odradek/ports/testing';
import { createMemoryVolume } from '@odradek/storage/memory';
import type { PartitionLog } from './partition-log.ts';
import {
  EPOCH,
  HandClock,
  START_MS,
  append,
  at,
  batchOf,
  openLog,
  readAll,
  valuesOf,
  xorCodec,
} from './testing/fixture.ts';
import type { FixtureOptions } from './testing/fixture.ts';

const random = seededRandom(2);
const open = (options: Partial<FixtureOptions> = {}) =>
  openLog(createMemoryVolume({ random }), { random, ...options });
const client = { leaderEpoch: EPOCH, origin: 'client' } as const;
const coordinator = { leaderEpoch: EPOCH, origin: 'coordinator' } as const;
const producer = (baseSequence: number, producerEpoch = 0) => ({
  producerId: 7,
  producerEpoch,
  baseSequence,
});

function send(log: PartitionLog, words: string[], input: Parameters<typeof batchOf>[1]) {
  const outcome = log.appendAsLeader(batchOf(words, input), client);
  return outcome.status === 'refused'
    ? outcome.errorCode
    : `${outcome.status} ${outcome.baseOffset}-${outcome.lastOffset}`;
}

async function batchAt(log: PartitionLog, at: number): Promise<BatchView> {
  const read = await log.read(offset(at), {
    maxBytes: 1,
    atLeastOneBatch: true,
    below: log.logEndOffset,
  });
  if (read.status !== 'ok') throw new Error(read.status);
  return new BatchView(read.records[0]!);
}

describe('an idempotent producer', () => {
  it('has its five last batches recognised, and no more', async () => {
    const log = await open();
    for (let n = 0; n < 6; n++)
      expect(send(log, ['a', 'b'], producer(n * 2))).toBe(`appended ${n * 2}-${n * 2 + 1}`);
    for (let n = 1; n < 6; n++)
      expect(send(log, ['a', 'b'], producer(n * 2))).toBe(`duplicate ${n * 2}-${n * 2 + 1}`);
    expect(send(log, ['a', 'b'], producer(0))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    // The same first sequence with another number of records is no repeat.
    expect(send(log, ['a'], producer(10))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(send(log, ['a'], producer(13))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(send(log, ['a'], producer(12))).toBe('appended 12-12');
    expect(log.logEndOffset).toBe(13);
  });

  it('begins a new epoch at 0, and its old one is fenced', async () => {
    const log = await open();
    expect(send(log, ['a'], producer(41))).toBe('appended 0-0');
    expect(send(log, ['a'], producer(42, 1))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(send(log, ['a'], producer(0, 1))).toBe('appended 1-1');
    expect(send(log, ['a'], producer(42, 0))).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(send(log, ['a'], producer(1, 1))).toBe('appended 2-2');
  });

  it('counts on from 2147483647 to 0', async () => {
    const log = await open();
    expect(send(log, ['a'], producer(2147483646))).toBe('appended 0-0');
    expect(send(log, ['a', 'b', 'c'], producer(2147483647))).toBe('appended 1-3');
    expect(send(log, ['a', 'b', 'c'], producer(2147483647))).toBe('duplicate 1-3');
    expect(send(log, ['a'], producer(2))).toBe('appended 4-4');
  });

  it('is forgotten after a day of silence, and may begin anywhere then', async () => {
    const clock = new HandClock();
    const log = await open({ clock, producerIdExpirationMs: 1_000 });
    send(log, ['a'], producer(0));
    clock.advance(999);
    await log.enforceRetention();
    expect(log.producerStates()).toMatchObject([
      { producerId: 7, lastSequence: 0, currentTxnStartOffset: -1 },
    ]);
    clock.advance(1);
    await log.enforceRetention();
    expect(log.producerStates()).toEqual([]);
    expect(send(log, ['a'], producer(9))).toBe('appended 1-1');
  });
});

describe('transactions', () => {
  const txn = (baseSequence: number) => ({ ...producer(baseSequence), isTransactional: true });
  const marker = (
    log: PartitionLog,
    kind: 'abort' | 'commit',
    coordinatorEpoch = 1,
    producerEpoch = 0,
  ) =>
    log.appendAsLeader(
      buildBatch({
        records: [endTxnMarker(kind, coordinatorEpoch, START_MS)],
        crc32c: crc32cJs,
        producerId: 7,
        producerEpoch,
        isTransactional: true,
        isControl: true,
      }),
      coordinator,
    );

  it('hold back the last stable offset until they are decided and the decision is replicated', async () => {
    const log = await open();
    append(log, ['a']);
    append(log, ['b'], txn(0));
    append(log, ['c']);
    log.setHighWatermark(at(3));
    expect(log.lastStableOffset).toBe(1);
    expect(log.producerStates()).toMatchObject([{ currentTxnStartOffset: 1 }]);
    expect(marker(log, 'abort').status).toBe('appended');
    // The marker may still be lost.
    expect(log.lastStableOffset).toBe(1);
    log.setHighWatermark(at(4));
    expect(log.lastStableOffset).toBe(4);
    expect(log.abortedTransactions(at(0), at(4))).toMatchObject([
      { producerId: 7, firstOffset: 1, lastOffset: 3, lastStableOffset: 4 },
    ]);
    expect(log.abortedTransactions(at(0), at(1))).toEqual([]);
  });

  it('refuse what does not belong: outsiders, zombies, older coordinators, clients with markers', async () => {
    const log = await open();
    append(log, ['a'], txn(0));
    expect(send(log, ['b'], producer(1))).toBe(ErrorCode.INVALID_TXN_STATE);
    expect(marker(log, 'commit', 5).status).toBe('appended');
    append(log, ['c'], txn(1));
    expect(marker(log, 'commit', 4)).toMatchObject({
      errorCode: ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    });
    expect(marker(log, 'commit', 5, -1)).toMatchObject({
      errorCode: ErrorCode.INVALID_PRODUCER_EPOCH,
    });
    const forged = buildBatch({
      records: [endTxnMarker('abort', 9, START_MS)],
      crc32c: crc32cJs,
      ...txn(2),
      isControl: true,
    });
    expect(log.appendAsLeader(forged, client)).toMatchObject({
      errorCode: ErrorCode.INVALID_RECORD,
    });
  });

  it('are known again after a start: open ones, and aborted ones of every segment', async () => {
    let volume = createMemoryVolume({ random });
    const config = { segmentBytes: 300 };
    let log = await openLog(volume, { random, config });
    for (let n = 0; n < 6; n++) {
      append(log, ['x'], txn(n));
      expect(marker(log, n % 2 === 0 ? 'abort' : 'commit').status).toBe('appended');
    }
    append(log, ['open'], txn(6));
    await log.flush();
    log.setHighWatermark(log.logEndOffset);
    const aborted = await log.abortedTransactions(at(0), at(99));
    expect(aborted).toHaveLength(3);
    expect(log.segmentCount).toBeGreaterThan(3);
    for (const cleanShutdown of [true, false, true]) {
      const { recoveryPoint } = log;
      if (cleanShutdown) await log.close({ clean: true });
      else volume.crash();
      if (!cleanShutdown) volume = volume.disk.mount();
      log = await openLog(volume, { random, config, cleanShutdown, recoveryPoint });
      log.setHighWatermark(log.logEndOffset);
      expect(log.lastStableOffset).toBe(12);
      expect(await log.abortedTransactions(at(0), at(99))).toEqual(aborted);
    }
    // The index of one segment is lost: the log says the same.
    await log.close({ clean: true });
    const names = (await volume.list(''))
      .map((entry) => entry.name)
      .filter((name) => name.endsWith('.txnindex'));
    for (const name of names) await volume.replace(name, Uint8Array.of(1, 2, 3));
    log = await openLog(volume, { random, config, cleanShutdown: true });
    expect(await log.abortedTransactions(at(0), at(99))).toEqual(aborted);
  });
});

describe('timestamps', () => {
  it("of LogAppendTime are the log's, checksum included", async () => {
    const clock = new HandClock();
    const log = await open({ clock, config: { messageTimestampType: 'LogAppendTime' } });
    clock.advance(50);
    expect(append(log, ['a', 'b'], { timestampMs: 5 })).toMatchObject({
      logAppendTimeMs: START_MS + 50,
    });
    expect((await readAll(log)).map((word) => word.timestampMs)).toEqual([
      START_MS + 50,
      START_MS + 50,
    ]);
    expect((await batchAt(log, 0)).isLogAppendTime).toBe(true);
  });

  it('of producers must be near the clock', async () => {
    const log = await open({
      config: { messageTimestampBeforeMaxMs: 100, messageTimestampAfterMaxMs: 10 },
    });
    const outcome = log.appendAsLeader(batchOf(['a', 'b'], { timestampMs: START_MS + 10 }), client);
    expect(outcome).toMatchObject({
      errorCode: ErrorCode.INVALID_TIMESTAMP,
      recordErrors: [{ batchIndex: 1 }],
    });
    expect(append(log, ['a'], { timestampMs: START_MS - 100 }).logAppendTimeMs).toBe(-1);
  });

  it('in a header that names another maximum than its records have are put right', async () => {
    const log = await open();
    const batch = batchOf(['a', 'b']);
    new DataView(batch.buffer).setBigInt64(35, 5n);
    new DataView(batch.buffer).setUint32(17, crc32cJs(batch.subarray(21)));
    expect(log.appendAsLeader(batch, client).status).toBe('appended');
    const stored = await batchAt(log, 0);
    expect(stored.maxTimestampMs).toBe(START_MS + 1);
    expect(isCrcValid(stored, crc32cJs)).toBe(true);
  });

  it('lead to offsets: the first record that late, the largest of all', async () => {
    const log = await open({ config: { segmentBytes: 300, indexIntervalBytes: 100 } });
    for (const ms of [10, 30, 20, 40, 40, 35])
      append(log, ['x', 'y'], { timestampMs: START_MS + ms });
    append(log, ['none'], { timestampMs: -1 });
    const find = async (ms: number, below = 99) =>
      (await log.offsetForTimestamp(START_MS + ms, at(below)))?.offset;
    expect([
      await find(0),
      await find(10),
      await find(11),
      await find(12),
      await find(31),
      await find(32),
      await find(41),
      await find(42),
    ]).toEqual([0, 0, 1, 2, 3, 6, 7, undefined]);
    expect(await find(32, 6)).toBeUndefined();
    expect(await log.maxTimestampOffset()).toEqual({
      offset: 7,
      timestampMs: START_MS + 41,
      leaderEpoch: EPOCH,
    });
    expect(log.earliest).toEqual({ offset: 0, timestampMs: -1, leaderEpoch: EPOCH });
    expect(log.latest).toEqual({ offset: 13, timestampMs: -1, leaderEpoch: EPOCH });
    log.setHighWatermark(at(13));
    log.deleteRecordsBefore(at(3));
    expect(await find(0)).toBe(3);
    expect(await (await open()).maxTimestampOffset()).toBeUndefined();
  });
});

describe('compression.type', () => {
  it('producer keeps what came, another one compresses anew, uncompressed opens it', async () => {
    for (const [compressionType, codec] of [
      ['producer', 'lz4'],
      ['lz4', 'lz4'],
      ['zstd', 'zstd'],
      ['uncompressed', undefined],
    ] as const) {
      const log = await open({ config: { compressionType } });
      append(log, ['a', 'b'], { compress: xorCodec });
      const stored = await batchAt(log, 0);
      expect(stored.compression).toBe(codec);
      expect(valuesOf(await readAll(log))).toEqual(['a', 'b']);
    }
  });

  it('zstd needs Produce 7', async () => {
    const log = await open();
    const batch = batchOf(['a'], { compress: { ...xorCodec, codec: 'zstd' } });
    expect(log.appendAsLeader(batch, { ...client, apiVersion: 6 })).toMatchObject({
      errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    });
    expect(log.appendAsLeader(batch, { ...client, apiVersion: 7 }).status).toBe('appended');
  });
});

describe('a coordinator and a follower', () => {
  it('append several batches at once', async () => {
    const log = await open();
    const records = new Uint8Array([...batchOf(['a', 'b']), ...batchOf(['c'])]);
    expect(log.appendAsLeader(records, coordinator)).toMatchObject({
      status: 'appended',
      baseOffset: 0,
      lastOffset: 2,
    });
    expect(valuesOf(await readAll(log))).toEqual(['a', 'b', 'c']);
  });

  it('a follower keeps offsets and epochs as they are, gaps too, and what is not all there for later', async () => {
    const leader = await open();
    append(leader, ['a', 'b']);
    append(leader, ['c']);
    const read = await leader.read(at(0), { maxBytes: 1e6, atLeastOneBatch: true, below: at(3) });
    const bytes = read.status === 'ok' ? read.records[0]! : new Uint8Array(0);
    const follower = await open();
    expect(follower.appendAsFollower(bytes.subarray(0, bytes.length - 1))).toMatchObject({
      status: 'appended',
      baseOffset: 0,
      lastOffset: 1,
    });
    expect(follower.appendAsFollower(bytes)).toMatchObject({
      errorCode: ErrorCode.CORRUPT_MESSAGE,
    });
    expect(follower.appendAsFollower(bytes.subarray(batchOf(['a', 'b']).length))).toMatchObject({
      baseOffset: 2,
      lastOffset: 2,
    });
    const gap = batchOf(['z']);
    setBaseOffset(new BatchView(gap), at(10));
    expect(follower.appendAsFollower(gap)).toMatchObject({ baseOffset: 10 });
    expect(follower.logEndOffset).toBe(11);
    const rotten = batchOf(['r']);
    setBaseOffset(new BatchView(rotten), at(11));
    rotten[rotten.length - 1]! ^= 1;
    expect(follower.appendAsFollower(rotten)).toMatchObject({
      errorCode: ErrorCode.CORRUPT_MESSAGE,
    });
    const copy = await follower.read(at(0), {
      maxBytes: 1e6,
      atLeastOneBatch: true,
      below: at(3),
      verify: true,
    });
    expect(copy.status === 'ok' ? copy.records[0] : undefined).toEqual(bytes);
    // A reader in the gap is given what comes behind it.
    expect(
      await follower.read(at(5), { maxBytes: 1, atLeastOneBatch: true, below: at(11) }),
    ).toMatchObject({ firstOffset: 10, nextOffset: 11 });
  });

  it('a follower cuts back to where it agrees, and epochs say where that is', async () => {
    const log = await open({ config: { segmentBytes: 200 } });
    for (let epoch = 1; epoch <= 3; epoch++) {
      for (let n = 0; n < 4; n++)
        log.appendAsLeader(batchOf([`${epoch}-${n}`]), {
          leaderEpoch: leaderEpoch(epoch),
          origin: 'client',
        });
    }
    expect(log.endOffsetForEpoch(leaderEpoch(2))).toEqual({ epoch: 2, endOffset: 8 });
    expect(await log.truncateTo(at(12))).toBe(false);
    expect(await log.truncateTo(at(6))).toBe(true);
    expect(log.logEndOffset).toBe(6);
    expect(log.latestEpoch).toBe(2);
    expect(valuesOf(await readAll(log))).toEqual(['1-0', '1-1', '1-2', '1-3', '2-0', '2-1']);
    append(log, ['again']);
    expect(valuesOf(await readAll(log, at(5)))).toEqual(['2-1', 'again']);
    await log.truncateFullyAndStartAt(at(100));
    expect([log.logStartOffset, log.logEndOffset, log.highWatermark]).toEqual([100, 100, 100]);
    expect(append(log, ['new'])).toMatchObject({ baseOffset: 100 });
    expect(await log.read(at(99), { maxBytes: 1, atLeastOneBatch: true, below: at(101) })).toEqual({
      status: 'outOfRange',
    });
  });
});

describe('what is appended', () => {
  it('may change hands after the call', async () => {
    const log = await open();
    const batch = batchOf(['mine']);
    log.appendAsLeader(batch, client);
    batch.fill(0);
    await log.flush();
    expect(valuesOf(await readAll(log))).toEqual(['mine']);
  });

  it('lies in the order in which it came, small beside large', async () => {
    const log = await open();
    // A large one is staged on its own, while the small ones' chunk has room left.
    const large = 'x'.repeat(300_000);
    const values = ['a', large, 'b', large, large, 'c', 'd'];
    for (const value of values) append(log, [value]);
    expect(valuesOf(await readAll(log))).toEqual(values);
    await log.flush();
    expect(valuesOf(await readAll(log))).toEqual(values);
  });

  it('is stored as it was sent but for offset and epoch', async () => {
    const log = await open();
    append(log, ['first']);
    const sent = batchOf(['second'], { compress: xorCodec });
    log.appendAsLeader(sent, client);
    const stored = (await batchAt(log, 1)).slice();
    expect(stored.subarray(16)).toEqual(sent.subarray(16));
    expect([...batchesIn(stored)][0]).toMatchObject({ baseOffset: 1, leaderEpoch: EPOCH });
  });
});
