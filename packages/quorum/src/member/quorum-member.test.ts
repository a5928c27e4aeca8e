import { createMemoryVolume, type MemoryVolume } from '@odradek/storage/memory';
import { seededRandom } from '@odradek/ports/testing';
import {
  BatchView,
  batchesIn,
  buildBatch,
  leaderEpoch,
  nodeId,
  offset,
  recordsIn,
  utf8Decode,
  utf8Encode,
  uuidToBase64,
  type Uuid,
} from '@odradek/protocol';
import type { ReadResult } from '@odradek/log';
import { describe, expect, it } from 'vitest';
import { QuorumError } from '../errors.ts';
import { QUORUM_LIMITS } from '../limits.ts';
import {
  crc32c,
  INCARNATION,
  NODE,
  openMetadataLog,
  recordingLogger,
  startLoneMember,
} from '../testing/ensemble.ts';
import type { SessionId, TreeChange } from '../tree/node.ts';
import type { TreeOp } from '../tree/operation.ts';
import { encodeSnapshot } from '../tree/snapshot.ts';
import type { QuorumMember } from './quorum-member.ts';

const LOG = '__cluster_metadata-0/00000000000000000000.log';
const QUORUM_STATE = '__cluster_metadata-0/quorum-state';

const create = (path: string, value = ''): TreeOp => ({
  op: 'create',
  path,
  value: utf8Encode(value),
});
const freshVolume = (seed = 1): MemoryVolume => createMemoryVolume({ random: seededRandom(seed) });
const crashed = (volume: MemoryVolume): MemoryVolume => {
  volume.crash('lost');
  return volume.disk.mount();
};
const bytesOf = (member: QuorumMember) =>
  encodeSnapshot(member.tree, { nextOffset: offset(0), epoch: leaderEpoch(0) }, crc32c);
const pathsOf = (member: QuorumMember) => [...member.tree.descend('/')].map(([path]) => path);

/** Lets everything happen that waits for nothing. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
};

async function rejection(promise: Promise<unknown>): Promise<QuorumError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(QuorumError);
  return error as QuorumError;
}

const start = startLoneMember;

describe('a lone voter', () => {
  it('leads when it has started, in a new epoch each time, and no timer has passed', async () => {
    let volume = freshVolume();
    for (const epoch of [1, 2, 3]) {
      const { member, clock } = await start(volume);
      expect(member.snapshot).toMatchObject({
        role: 'leader',
        epoch,
        leaderId: NODE,
        voters: [NODE],
        failure: null,
      });
      expect(member.snapshot.highWatermark).toBe(member.snapshot.logEndOffset);
      expect([clock.monotonicMs(), clock.pendingTimers]).toEqual([0, 0]);
      const state = JSON.parse(utf8Decode((await volume.readSmall(QUORUM_STATE))!)) as object;
      expect(state).toMatchObject({ leaderEpoch: epoch, votedId: NODE });
      volume = crashed(volume);
    }
  });

  it("opens its epoch with Kafka's leader change record", async () => {
    const { log } = await start(freshVolume());
    const read = await log.read(offset(0), {
      maxBytes: 1000,
      atLeastOneBatch: true,
      below: log.logEndOffset,
    });
    const batch = new BatchView((read as Extract<ReadResult, { status: 'ok' }>).records[0]!);
    expect(batch).toMatchObject({ isControl: true, leaderEpoch: 1, baseOffset: 0 });
    const [record] = [...recordsIn(batch)];
    expect(Buffer.from(record!.key!).toString('hex')).toBe('00000002');
    // version 1, leader 1, one voter (1, its incarnation), who granted it.
    const voter = `02${'00000001'}${INCARNATION}00`;
    expect(Buffer.from(record!.value!).toString('hex')).toBe(`000100000001${voter}${voter}00`);
  });

  it('votes before it leads: no vote on the disk, no record in the log', async () => {
    const volume = freshVolume();
    volume.disk.failNext('replace', 'failed', 0, QUORUM_STATE);
    const error = await rejection(start(volume));
    expect(error.kind).toBe('storage');
    expect(error.cause).toMatchObject({ name: 'VolumeError', kind: 'failed' });
    expect(volume.disk.files.get(LOG)?.sizeBytes ?? 0).toBe(0);
  });

  it('has everything that was committed when it starts again', async () => {
    const volume = freshVolume();
    const { member } = await start(volume);
    await member.propose([create('/a', '1'), create('/a/b', '2')]);
    await member.propose([{ op: 'set', path: '/a', value: utf8Encode('3') }]);
    const before = bytesOf(member);
    const again = await start(crashed(volume));
    expect(bytesOf(again.member)).toEqual(before);
    expect(again.member.tree.get('/a')).toMatchObject({
      version: 1,
      createdAt: 1,
      modifiedAt: 3,
      value: utf8Encode('3'),
    });
  });

  it('takes nothing for committed before a record of its own epoch is: not what an older one left behind', async () => {
    const volume = freshVolume();
    await (await start(volume)).member.propose([create('/a')]);
    const next = crashed(volume);
    const log = await openMetadataLog(next);
    const release = next.disk.hold('sync', LOG);
    let isLeading = false;
    const starting = start(next, { log }).then(() => (isLeading = true));
    await turns();
    log.onFlushed(offset(2));
    await turns();
    expect([log.logEndOffset, log.highWatermark, isLeading]).toEqual([3, 0, false]);
    release();
    await starting;
    expect(log.highWatermark).toBe(3);
  });

  it("takes up a folder in which it led, as Kafka's own file says it, in a newer epoch", async () => {
    const volume = freshVolume();
    const led = `{"leaderId":1,"leaderEpoch":7,"votedId":1,"votedDirectoryId":"${uuidToBase64(INCARNATION)}","data_version":1}`;
    await volume.replace(QUORUM_STATE, utf8Encode(led));
    const { member } = await start(volume);
    expect(member.snapshot).toMatchObject({ role: 'leader', epoch: 8 });
  });

  it("goes on from the log's epoch when quorum-state is gone", async () => {
    const volume = freshVolume();
    await start(volume);
    volume.crash();
    volume.disk.files.delete(QUORUM_STATE);
    const { member } = await start(volume.disk.mount());
    expect(member.snapshot.epoch).toBe(2);
  });
});

describe('a proposal', () => {
  it('is answered when it is flushed and in the tree, not before', async () => {
    const volume = freshVolume();
    const { member } = await start(volume);
    const release = volume.disk.hold('sync', LOG);
    let answered = false;
    const proposal = member.propose([create('/a')]);
    void proposal.then(() => (answered = true));
    await turns();
    expect(answered).toBe(false);
    expect(member.tree.has('/a')).toBe(false);
    release();
    expect(await proposal).toMatchObject({
      status: 'committed',
      offset: 1,
      results: [{ op: 'create', path: '/a', node: { createdAt: 1 } }],
    });
    expect(member.tree.has('/a')).toBe(true);
  });

  it('is decided on what was proposed before it, without waiting', async () => {
    const volume = freshVolume();
    const { member } = await start(volume);
    const answers = await Promise.all([
      member.propose([create('/a')]),
      member.propose([create('/a')]),
      member.propose([{ op: 'set', path: '/a', value: utf8Encode('1'), expectedVersion: 0 }]),
      member.propose([{ op: 'set', path: '/a', value: utf8Encode('2'), expectedVersion: 0 }]),
      member.propose([{ op: 'delete', path: '/a', expectedVersion: 1 }]),
      member.propose([create('/a')]),
    ]);
    expect(answers.map((it) => (it.status === 'refused' ? it.error.code : it.status))).toEqual([
      'committed',
      'nodeExists',
      'committed',
      'badVersion',
      'committed',
      'committed',
    ]);
    expect(member.tree.get('/a')).toMatchObject({ version: 0, createdAt: 4 });
  });

  it('that is refused because of an uncommitted one is not told so before that one is committed', async () => {
    const volume = freshVolume();
    const { member } = await start(volume);
    volume.disk.failNext('sync', 'failed', 0, LOG);
    const first = member.propose([create('/a')]);
    const second = member.propose([create('/a')]);
    expect((await rejection(first)).kind).toBe('storage');
    expect((await rejection(second)).kind).toBe('storage');
  });

  it('that only checks is in the log like any other', async () => {
    const { member } = await start(freshVolume());
    expect(await member.propose([{ op: 'check', path: '/', expectedVersion: 0 }])).toMatchObject({
      status: 'committed',
      offset: 1,
    });
    expect(member.snapshot.logEndOffset).toBe(2);
  });

  it('is one batch, whole or not there', async () => {
    const volume = freshVolume();
    const { member } = await start(volume);
    await member.propose([create('/a'), create('/b'), create('/c')]);
    const bytes = await volume.disk.files.get(LOG)!.read(0, 10_000);
    expect([...batchesIn(bytes)].map((batch) => batch.recordCount)).toEqual([1, 3]);
    // The last byte of the multi is torn off.
    volume.crash();
    volume.disk.files.get(LOG)!.truncate(bytes.length - 1);
    const again = await start(volume.disk.mount());
    expect(pathsOf(again.member)).toEqual(['/']);
  });

  it('comes by the thousand into few flushes: 5,000 in under a second', async () => {
    const volume = freshVolume();
    const { member } = await start(volume);
    // Of processor time, and the best of three: other programs share the machine.
    let bestMs = Infinity;
    for (const round of ['a', 'b', 'c']) {
      const flushesBefore = volume.disk.counters.syncs;
      const before = process.cpuUsage();
      const answers = await Promise.all(
        Array.from({ length: 5000 }, (_, i) => member.propose([create(`/${round}${i}`)])),
      );
      const { user, system } = process.cpuUsage(before);
      bestMs = Math.min(bestMs, (user + system) / 1000);
      expect(volume.disk.counters.syncs - flushesBefore).toBeLessThanOrEqual(3);
      expect(answers.every((it) => it.status === 'committed')).toBe(true);
    }
    expect(bestMs).toBeLessThan(1000);
    expect(member.tree.nodeCount).toBe(15_001);
  });

  it.each([
    ['proposals', { pendingProposalsMax: 3 }],
    ['bytes', { pendingBytesMax: 3 * 102 }],
  ])('is refused as overloaded when too many %s wait', async (_, limits) => {
    const volume = freshVolume();
    const { member } = await start(volume, { limits: { ...QUORUM_LIMITS, ...limits } });
    const release = volume.disk.hold('sync', LOG);
    const waiting = Array.from({ length: 3 }, (_unused, i) =>
      member.propose([create(`/${i}`, 'x'.repeat(100))]),
    );
    expect(await member.propose([create('/one-more')])).toMatchObject({
      status: 'refused',
      error: { code: 'overloaded' },
    });
    release();
    for (const answer of await Promise.all(waiting)) expect(answer.status).toBe('committed');
    expect(await member.propose([create('/one-more')])).toMatchObject({ status: 'committed' });
  });
});

describe('those who follow the tree', () => {
  it('see each batch whole, in order, after the tree has it and before the answer', async () => {
    const { member } = await start(freshVolume());
    const seen: string[] = [];
    member.onChange((changes, at) => {
      expect(member.snapshot.appliedOffset).toBe(at + 1);
      seen.push(
        `${at}: ${changes.map((it) => `${it.kind} ${(it as { path?: string }).path}`).join(', ')}`,
      );
    });
    const answers = [
      member.propose([create('/a'), create('/b')]).then(() => seen.push('answered')),
      member.propose([{ op: 'check', path: '/a' }]),
      member.propose([{ op: 'set', path: '/a', value: utf8Encode('1') }]),
      member.propose([{ op: 'delete', path: '/b' }]),
    ];
    await Promise.all(answers);
    expect(seen.filter((it) => it !== 'answered')).toEqual([
      '2: nodeCreated /a, nodeCreated /b',
      '4: nodeChanged /a',
      '5: nodeDeleted /b',
    ]);
    expect(seen.indexOf('answered')).toBeGreaterThan(0);
  });

  it('may propose from where they listen, and stop listening', async () => {
    const { member } = await start(freshVolume());
    const seen: string[] = [];
    const third = new Promise<void>((resolve) => {
      const stop = member.onChange((changes) => {
        seen.push(...changes.map((it) => (it as { path: string }).path));
        const { nodeCount } = member.tree;
        if (nodeCount < 4) return void member.propose([create(`/n${nodeCount}`)]);
        stop();
        resolve();
      });
    });
    await member.propose([create('/first')]);
    await third;
    await member.propose([create('/unseen')]);
    expect(seen).toEqual(['/first', '/n2', '/n3']);
  });

  it('do not harm the others when they throw', async () => {
    const logger = recordingLogger();
    const { member } = await start(freshVolume(), { logger });
    const seen: number[] = [];
    member.onChange(() => {
      throw new Error('a bug of the listener');
    });
    member.onChange((_, at) => seen.push(at));
    expect(await member.propose([create('/a')])).toMatchObject({ status: 'committed' });
    expect(seen).toEqual([1]);
    expect(logger.told.find((it) => it.level === 'error')?.message).toMatch(/listener/);
  });
});

describe('a session', () => {
  const openOne = async (member: QuorumMember, timeoutMs = 6000): Promise<SessionId> => {
    const answer = await member.openSession({ timeoutMs });
    if (answer.status !== 'committed') throw new Error(answer.status);
    return answer.session.id;
  };

  it('takes its ephemeral nodes with it when it is closed', async () => {
    const { member } = await start(freshVolume());
    const session = await openOne(member);
    await member.propose([{ op: 'create', path: '/mine', ephemeral: true }, create('/ours')], {
      sessionId: session,
    });
    expect(await member.closeSession(session)).toMatchObject({ status: 'committed' });
    expect(pathsOf(member)).toEqual(['/', '/ours']);
    expect(await member.propose([create('/more')], { sessionId: session })).toMatchObject({
      status: 'refused',
      error: { code: 'sessionExpired' },
    });
  });

  it('expires after its timeout without a word, and not before', async () => {
    const { member, clock } = await start(freshVolume());
    const session = await openOne(member, 6000);
    await member.propose([{ op: 'create', path: '/mine', ephemeral: true }], {
      sessionId: session,
    });
    const ended = new Promise<TreeChange>((resolve) => {
      member.onChange((changes) =>
        changes.forEach((it) => it.kind === 'sessionClosed' && resolve(it)),
      );
    });
    clock.advance(5000);
    expect(member.touchSession(session)).toBe(true);
    clock.advance(5900);
    await member.propose([{ op: 'check', path: '/mine' }]);
    expect(member.tree.has('/mine')).toBe(true);
    clock.advance(200);
    expect(await ended).toMatchObject({ session: { id: session }, end: 'expired' });
    expect(member.tree.has('/mine')).toBe(false);
    expect(member.touchSession(session)).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it('lives on over a restart, with its whole timeout again', async () => {
    const volume = freshVolume();
    const first = await start(volume);
    const session = await openOne(first.member, 6000);
    await first.member.propose([{ op: 'create', path: '/mine', ephemeral: true }], {
      sessionId: session,
    });
    const { member, clock } = await start(crashed(volume));
    expect(member.tree.ephemeralsOf(session)).toEqual(['/mine']);
    clock.advance(5900);
    await member.propose([{ op: 'check', path: '/mine' }]);
    expect(member.tree.has('/mine')).toBe(true);
    clock.advance(200);
    await member.propose([{ op: 'check', path: '/' }]);
    expect(member.tree.has('/mine')).toBe(false);
  });

  it('and its nodes go in one batch: no crash leaves one without the other', async () => {
    const volume = freshVolume();
    const { member } = await start(volume);
    const session = await openOne(member);
    await member.propose(
      ['/x', '/y', '/z'].map((path) => ({ op: 'create', path, ephemeral: true })),
      { sessionId: session },
    );
    const changes: TreeChange[][] = [];
    member.onChange((batch) => changes.push([...batch]));
    await member.closeSession(session);
    expect(changes.map((batch) => batch.map((it) => it.kind))).toEqual([
      ['nodeDeleted', 'nodeDeleted', 'nodeDeleted', 'sessionClosed'],
    ]);
  });
});

describe('a disk that refuses', () => {
  it.each(['append', 'sync'] as const)(
    'in an %s ends the leadership; nothing is half applied',
    async (operation) => {
      const volume = freshVolume();
      const logger = recordingLogger();
      const { member } = await start(volume, { logger });
      await member.propose([create('/kept')]);
      const roles: string[] = [];
      member.subscribe((it) => roles.push(it.role));
      volume.disk.failNext(operation, 'failed', 0, LOG);
      const proposals = [
        member.propose([create('/a'), create('/b')]),
        member.propose([create('/c')]),
      ];
      for (const proposal of proposals)
        expect(await rejection(proposal)).toMatchObject({
          kind: 'storage',
          cause: { name: 'VolumeError' },
        });
      expect(member.snapshot).toMatchObject({ role: 'failed', failure: { name: 'VolumeError' } });
      expect(roles).toEqual(['failed']);
      expect(pathsOf(member)).toEqual(['/', '/kept']);
      expect(await member.propose([create('/d')])).toEqual({ status: 'notLeader', leaderId: null });
      expect(logger.told.some((it) => it.level === 'error')).toBe(true);
      await member.close();

      const again = await start(crashed(volume));
      expect(again.member.tree.has('/kept')).toBe(true);
    },
  );

  it('in a snapshot costs nothing but the snapshot', async () => {
    const volume = freshVolume();
    const logger = recordingLogger();
    const { member } = await start(volume, { logger, snapshotIntervalBytes: 100 });
    volume.disk.failNext('replace', 'full', 0, '__cluster_metadata-0/0');
    await member.propose([create('/a')]);
    await member.propose([create('/b')]);
    await member.close();
    expect(logger.told.find((it) => it.level === 'warn')).toMatchObject({
      fields: { error: { kind: 'full' } },
    });
    const again = await start(crashed(volume));
    expect(pathsOf(again.member)).toEqual(['/', '/a', '/b']);
  });
});

describe('snapshots', () => {
  const checkpoints = (volume: MemoryVolume) =>
    [...volume.disk.files.keys()].filter((name) => name.endsWith('.checkpoint')).sort();
  /** Segments so small that snapshots let go of some. */
  const OFTEN = {
    snapshotIntervalBytes: 1000,
    logConfig: { segmentBytes: 1500, fileDeleteDelayMs: 0 },
  };
  /** One after another, so that each is in a flush of its own. */
  const grow = async (member: QuorumMember, count: number, name = 'n') => {
    for (let i = 0; i < count; i++) await member.propose([create(`/${name}${i}`, 'x'.repeat(100))]);
  };

  it('are taken as the log grows; two are kept, and the log from the older one on', async () => {
    const volume = freshVolume();
    const { member, log } = await start(volume, OFTEN);
    await grow(member, 40);
    await member.close();
    await log.close({ clean: true });
    const names = checkpoints(volume);
    expect(names).toHaveLength(2);
    const [older] = names;
    const olderOffset = Number(older!.slice('__cluster_metadata-0/'.length).slice(0, 20));
    expect(older).toMatch(/\/\d{20}-0000000001\.checkpoint$/);
    expect(log.logStartOffset).toBe(olderOffset);
    expect(olderOffset).toBeGreaterThan(10);
    // Their segments have left the disk, too.
    expect(volume.disk.files.has(LOG)).toBe(false);
  });

  it('and the rest of the log give the tree of the whole log', async () => {
    const [plain, snapshotting] = [freshVolume(), freshVolume()];
    const one = await start(plain);
    const two = await start(snapshotting, OFTEN);
    for (const { member, log } of [one, two]) {
      const session = await member.openSession({ timeoutMs: 60_000 });
      if (session.status !== 'committed') throw new Error(session.status);
      await member.propose([{ op: 'create', path: '/e', ephemeral: true }], {
        sessionId: session.session.id,
      });
      await grow(member, 30);
      await member.close();
      await log.close({ clean: true });
    }
    const [again, againToo] = [await start(crashed(plain)), await start(crashed(snapshotting))];
    expect(againToo.log.logStartOffset).toBeGreaterThan(0);
    expect(bytesOf(againToo.member)).toEqual(bytesOf(again.member));
  });

  it('that are damaged are passed over while an older one and the log make up for them', async () => {
    const volume = freshVolume();
    const { member, log } = await start(volume, OFTEN);
    await grow(member, 40);
    await member.close();
    await log.close({ clean: true });
    const before = bytesOf(member);
    const [older, newer] = checkpoints(volume);
    volume.crash();
    volume.disk.corrupt(newer!, 30, 1);
    const logger = recordingLogger();
    const again = await start(volume.disk.mount(), { logger });
    expect(bytesOf(again.member)).toEqual(before);
    expect(logger.told.find((it) => it.level === 'error')).toMatchObject({
      fields: { file: newer },
    });

    volume.disk.crash();
    volume.disk.corrupt(older!, 30, 1);
    const error = await rejection(start(volume.disk.mount()));
    expect(error.kind).toBe('corrupt');
    expect(error.message).toMatch(/a part of the metadata is missing/);
  });
});

describe('what is refused by name', () => {
  it('is a set of voters that no ensemble should have', async () => {
    const [TWO, THREE] = [nodeId(2), nodeId(3)];
    for (const voters of [[], [NODE, TWO], [NODE, NODE, TWO], [NODE, TWO, THREE, nodeId(4)]]) {
      expect((await rejection(start(freshVolume(), { voters }))).kind).toBe('unsupportedVoters');
    }
  });

  it('is the folder of another node, and that of an older incarnation', async () => {
    const volume = freshVolume();
    await start(volume);
    const other = crashed(volume);
    const TWO = nodeId(2);
    expect(await rejection(start(other, { nodeId: TWO, voters: [TWO] }))).toMatchObject({
      kind: 'foreignState',
    });
    const incarnation = 'ffffffffffffffffffffffffffffffff' as Uuid;
    expect(await rejection(start(crashed(other), { incarnation }))).toMatchObject({
      kind: 'foreignState',
    });
  });

  it('is a quorum-state that does not match its checksum', async () => {
    const volume = freshVolume();
    await start(volume);
    volume.crash();
    volume.disk.corrupt(QUORUM_STATE, 30, 1);
    expect(await rejection(start(volume.disk.mount()))).toMatchObject({ kind: 'corrupt' });
  });

  it('is a batch that does not match its checksum, or is not there at all', async () => {
    const volume = freshVolume();
    await (await start(volume)).member.propose([create('/a')]);
    const next = crashed(volume);
    const log = await openMetadataLog(next);
    const honest = log.read.bind(log);
    log.read = async (from, options): Promise<ReadResult> => {
      const read = (await honest(from, options)) as Extract<ReadResult, { status: 'ok' }>;
      const records = read.records.map((bytes) => bytes.slice());
      records.at(-1)![100]! ^= 1;
      return { ...read, records };
    };
    expect(await rejection(start(next, { log }))).toMatchObject({
      kind: 'corrupt',
      message: expect.stringMatching(/batch at offset \d/) as string,
    });

    for (const answer of [
      { status: 'outOfRange' },
      { status: 'ok', records: [], firstOffset: offset(0), nextOffset: offset(0), sizeBytes: 0 },
    ] satisfies ReadResult[]) {
      const other = crashed(freshVolume());
      const log = await openMetadataLog(other);
      log.read = () => answer;
      expect((await rejection(start(other, { log }))).kind).toBe('corrupt');
    }
  });

  it('is a record that a newer version wrote', async () => {
    const volume = freshVolume();
    await start(volume);
    const next = crashed(volume);
    const log = await openMetadataLog(next);
    const flushed = new Promise<void>((resolve) => (log.onFlushed = () => resolve()));
    const records = [{ timestampMs: 0, value: Uint8Array.of(0x6f, 99, 0) }];
    log.appendAsLeader(
      buildBatch({ baseOffset: log.logEndOffset, leaderEpoch: leaderEpoch(1), records, crc32c }),
      { leaderEpoch: leaderEpoch(1), origin: 'coordinator' },
    );
    await flushed;
    const error = await rejection(start(crashed(next)));
    expect(error.kind).toBe('unknownRecord');
    expect(error.message).toMatch(/offset 1 .* type 99/);
  });
});

describe('closing', () => {
  it('answers what was proposed, takes nothing more, and is done once', async () => {
    const { member } = await start(freshVolume());
    const proposal = member.propose([create('/a')]);
    const closing = member.close();
    expect(await member.propose([create('/b')])).toMatchObject({ status: 'notLeader' });
    expect(await proposal).toMatchObject({ status: 'committed' });
    await closing;
    await member.close();
    expect(member.snapshot.role).toBe('resigned');
  });

  it('does not wait for a disk that is gone', async () => {
    const volume = freshVolume();
    const { member } = await start(volume);
    const proposal = member.propose([create('/a')]);
    volume.crash();
    expect((await rejection(proposal)).kind).toBe('storage');
    await member.close();
    expect(member.snapshot.role).toBe('failed');
  });
});
