import { ErrorCode } from '@odradek/protocol';
import { seededRandom } from '@odradek/ports/testing';
import { describe, expect, it } from 'vitest';
import { FakeBroker } from './testing/fake-broker.ts';
import { subscriptionTo, TestConsumer } from './testing/test-consumer.ts';
import type { TestConsumerOptions } from './testing/test-consumer.ts';
import type { GroupConfig } from './config.ts';

async function start(config: Partial<GroupConfig> = {}): Promise<FakeBroker> {
  return FakeBroker.start(seededRandom(1), config);
}

/** A stable group of so many consumers; the first leads. */
async function stableGroup(
  broker: FakeBroker,
  count: number,
  options: (index: number) => TestConsumerOptions = () => ({}),
): Promise<TestConsumer[]> {
  const consumers = Array.from(
    { length: count },
    (_, index) => new TestConsumer(broker, options(index)),
  );
  const joins = consumers.map((consumer) => consumer.join());
  await broker.clock.advance(broker.config.initialRebalanceDelayMs);
  // More may have come after the first delay; the group then waits once more.
  await broker.clock.advance(broker.config.initialRebalanceDelayMs);
  await Promise.all(joins);
  await Promise.all(consumers.map((consumer) => consumer.sync()));
  expect(stateOf(broker)).toBe('Stable');
  return consumers;
}

function stateOf(broker: FakeBroker, groupId = 'readers'): string {
  const request = { groups: [groupId], includeAuthorizedOperations: false };
  return broker.coordinator.describeGroups(request, { apiVersion: 5, clientId: '', clientHost: '' })
    .groups[0]!.groupState;
}

function membersOf(broker: FakeBroker): number {
  const request = { groups: ['readers'], includeAuthorizedOperations: false };
  return broker.coordinator.describeGroups(request, { apiVersion: 5, clientId: '', clientHost: '' })
    .groups[0]!.members.length;
}

describe('joining', () => {
  it('sends a new member back with an id first, and begins the first generation after the initial delay', async () => {
    const broker = await start();
    const consumer = new TestConsumer(broker);
    const first = await consumer.joinOnce();
    expect(first.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    expect(first.memberId).toMatch(
      /^reader-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(stateOf(broker)).toBe('Empty');

    consumer.memberId = first.memberId;
    const join = consumer.join();
    await broker.clock.advance(2_999);
    expect(stateOf(broker)).toBe('PreparingRebalance');
    await broker.clock.advance(1);
    expect(await join).toMatchObject({
      errorCode: ErrorCode.NONE,
      generationId: 1,
      leader: consumer.memberId,
      protocolName: 'range',
      protocolType: 'consumer',
      members: [
        { memberId: consumer.memberId, groupInstanceId: null, metadata: subscriptionTo('words') },
      ],
    });
    expect(stateOf(broker)).toBe('CompletingRebalance');
    await consumer.sync();
    expect(consumer.assignment).toBe(`for ${consumer.memberId}`);
    expect(stateOf(broker)).toBe('Stable');
  });

  it('admits clients before version 4 at once', async () => {
    const broker = await start({ initialRebalanceDelayMs: 0 });
    const consumer = new TestConsumer(broker, { apiVersion: 3 });
    const join = consumer.joinOnce();
    await broker.clock.advance(0);
    expect(await join).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 });
  });

  it('waits longer while new members come, but not beyond the rebalance timeout', async () => {
    const broker = await start();
    const joins: Promise<unknown>[] = [];
    let done = 0;
    // One more member each two seconds.
    for (let second = 0; second < 20; second += 2) {
      joins.push(
        new TestConsumer(broker, { rebalanceTimeoutMs: 10_000 }).join().then(() => done++),
      );
      await broker.clock.advance(2_000);
      expect(done > 0).toBe(second >= 8);
      if (done > 0) break;
    }
    expect(joins).toHaveLength(5);
  });

  it('shows the list of members to the leader alone', async () => {
    const broker = await start();
    const [leader, follower] = await stableGroup(broker, 2);
    expect(leader!.joined!.members).toHaveLength(2);
    expect(follower!.joined).toMatchObject({
      members: [],
      leader: leader!.memberId,
      generationId: 1,
    });
    expect(follower!.assignment).toBe(`for ${follower!.memberId}`);
  });

  it('selects the protocol that all have and most prefer', async () => {
    const broker = await start();
    const metadata = subscriptionTo('words');
    const lists = [
      ['own', 'sticky', 'range'],
      ['range', 'sticky'],
      ['sticky', 'range', 'other'],
    ];
    const consumers = await stableGroup(broker, 3, (index) => ({
      protocols: lists[index]!.map((name) => ({ name, metadata })),
    }));
    expect(consumers.map((consumer) => consumer.joined!.protocolName)).toEqual([
      'sticky',
      'sticky',
      'sticky',
    ]);
  });

  it('refuses who shares no protocol, or speaks of another type, or of none', async () => {
    const broker = await start();
    await stableGroup(broker, 1);
    const metadata = subscriptionTo('words');
    const refused = [
      { protocols: [{ name: 'sticky', metadata }] },
      { protocolType: 'connect' },
      { protocolType: '' },
      { protocols: [] },
    ];
    for (const options of refused) {
      expect((await new TestConsumer(broker, options).joinOnce()).errorCode).toBe(
        ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      );
    }
    const nothing = new TestConsumer(broker, { groupId: 'another', protocolType: '' });
    expect((await nothing.joinOnce()).errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(stateOf(broker, 'another')).toBe('Dead');
    expect(stateOf(broker)).toBe('Stable');
  });

  it('refuses what cannot be: no group id, a session too short or too long, an id that nobody gave', async () => {
    const broker = await start();
    expect((await new TestConsumer(broker, { groupId: '' }).joinOnce()).errorCode).toBe(
      ErrorCode.INVALID_GROUP_ID,
    );
    expect((await new TestConsumer(broker, { sessionTimeoutMs: 5_999 }).joinOnce()).errorCode).toBe(
      ErrorCode.INVALID_SESSION_TIMEOUT,
    );
    expect(
      (await new TestConsumer(broker, { sessionTimeoutMs: 1_800_001 }).joinOnce()).errorCode,
    ).toBe(ErrorCode.INVALID_SESSION_TIMEOUT);
    const stranger = new TestConsumer(broker);
    stranger.memberId = 'made up';
    expect((await stranger.joinOnce()).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    await stableGroup(broker, 1);
    expect((await stranger.joinOnce()).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('forgets an id that is never used', async () => {
    const broker = await start();
    const consumer = new TestConsumer(broker);
    consumer.memberId = (await consumer.joinOnce()).memberId;
    await broker.clock.advance(10_000);
    expect((await consumer.joinOnce()).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(stateOf(broker)).toBe('Dead');
    // Its timers are gone with it: expiry alone goes on.
    expect(broker.clock.pendingTimers).toBe(1);
  });

  it('names no protocol as each version wants it', async () => {
    const broker = await start();
    const consumer = new TestConsumer(broker, { apiVersion: 5 });
    expect((await consumer.joinOnce()).protocolName).toBe('');
    consumer.apiVersion = 7;
    expect((await consumer.joinOnce()).protocolName).toBeNull();
  });
});

describe('rebalancing', () => {
  it('lets a third member in: the others learn of it by heartbeat and join again', async () => {
    const broker = await start();
    const [first, second] = await stableGroup(broker, 2);
    const third = new TestConsumer(broker);
    const joins = [third.join()];
    await broker.clock.settle();
    expect(first!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(second!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect((await first!.sync()).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    // Offsets of the generation that ends may still be committed.
    expect(await first!.commit(0, 42)).toBe(ErrorCode.NONE);

    joins.push(first!.join());
    await broker.clock.settle();
    expect(stateOf(broker)).toBe('PreparingRebalance');
    joins.push(second!.join());
    expect((await Promise.all(joins)).map((reply) => reply.generationId)).toEqual([2, 2, 2]);
    expect(await second!.commit(0, 43)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    // Followers wait for the leader.
    let synced = 0;
    const syncs = [second!, third].map((consumer) =>
      consumer.sync().then((reply) => (synced++, reply)),
    );
    await broker.clock.settle();
    expect(synced).toBe(0);
    syncs.push(first!.sync());
    expect((await Promise.all(syncs)).map((reply) => reply.errorCode)).toEqual([0, 0, 0]);
    expect(third.assignment).toBe(`for ${third.memberId}`);
    expect([first!, second!, third].map((consumer) => consumer.heartbeat())).toEqual([0, 0, 0]);
  });

  it('goes on without a member whose session ends', async () => {
    const broker = await start();
    const [alive, dead] = await stableGroup(broker, 2);
    for (let second = 0; second < 9; second += 3) {
      await broker.clock.advance(3_000);
      expect(alive!.heartbeat()).toBe(ErrorCode.NONE);
    }
    await broker.clock.advance(1_000);
    expect(alive!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(dead!.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await alive!.join()).toMatchObject({
      generationId: 2,
      members: [{ memberId: alive!.memberId }],
    });
  });

  it('goes on without those who do not rejoin in time, and finds another leader', async () => {
    const broker = await start();
    const [leader, follower] = await stableGroup(broker, 2, () => ({
      rebalanceTimeoutMs: 20_000,
      sessionTimeoutMs: 30_000,
    }));
    const rejoin = follower!.join();
    await broker.clock.settle();
    expect(stateOf(broker)).toBe('Stable');
    await rejoin;

    follower!.protocols = [{ name: 'range', metadata: subscriptionTo('words', 'more') }];
    const changed = follower!.join();
    await broker.clock.settle();
    for (let second = 0; second < 20; second += 5) {
      expect(leader!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
      await broker.clock.advance(5_000);
    }
    expect(await changed).toMatchObject({
      generationId: 2,
      leader: follower!.memberId,
      members: [{ memberId: follower!.memberId }],
    });
    expect(leader!.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('does not rebalance for a follower with nothing new, but does for the leader', async () => {
    const broker = await start();
    const [leader, follower] = await stableGroup(broker, 2);
    expect(await follower!.join()).toMatchObject({
      generationId: 1,
      members: [],
      leader: leader!.memberId,
    });
    await follower!.sync();
    expect(follower!.assignment).toBe(`for ${follower!.memberId}`);
    const rejoin = leader!.join();
    await broker.clock.settle();
    expect(stateOf(broker)).toBe('PreparingRebalance');
    await follower!.join();
    expect(await rejoin).toMatchObject({ generationId: 2 });
  });

  it('gives a lost join answer again', async () => {
    const broker = await start();
    const consumer = new TestConsumer(broker);
    const join = consumer.join();
    await broker.clock.advance(3_000);
    await join;
    expect(await consumer.joinOnce()).toMatchObject({
      generationId: 1,
      members: [{ memberId: consumer.memberId }],
    });
  });

  it('removes who joins but never syncs, also when the others are stable', async () => {
    const broker = await start();
    const consumers = [0, 1].map(() => new TestConsumer(broker, { rebalanceTimeoutMs: 8_000 }));
    const joins = consumers.map((consumer) => consumer.join());
    await broker.clock.advance(6_000);
    await Promise.all(joins);
    const [leader, follower] = consumers as [TestConsumer, TestConsumer];
    await leader.sync();
    expect(stateOf(broker)).toBe('Stable');
    await broker.clock.advance(5_000);
    expect([leader.heartbeat(), follower.heartbeat()]).toEqual([0, 0]);
    await broker.clock.advance(3_000);
    expect(leader.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(follower.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('ends the waiting syncs when someone joins before the leader has assigned', async () => {
    const broker = await start();
    const consumers = [0, 1].map(() => new TestConsumer(broker));
    const joins = consumers.map((consumer) => consumer.join());
    await broker.clock.advance(6_000);
    await Promise.all(joins);
    const sync = consumers[1]!.sync();
    const third = new TestConsumer(broker).join();
    expect((await sync).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    await Promise.all([third, ...consumers.map((consumer) => consumer.join())]);
    expect(consumers[0]!.generation).toBe(2);
  });

  it('takes the assignment of a generation that is over for nothing', async () => {
    const broker = await start();
    const consumers = [0, 1].map(() => new TestConsumer(broker));
    const joins = consumers.map((consumer) => consumer.join());
    await broker.clock.advance(6_000);
    await Promise.all(joins);
    broker.appends = 'hold';
    const [leader, follower] = consumers as [TestConsumer, TestConsumer];
    const former = leader.sync();
    // The leader starts over while its assignment is being stored.
    leader.protocols = [{ name: 'range', metadata: subscriptionTo('words', 'more') }];
    const again = [leader.join(), follower.join()];
    expect((await former).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    await Promise.all(again);
    const syncs = [leader.sync((memberId) => `anew ${memberId}`), follower.sync()];
    await broker.clock.settle();
    expect(broker.heldAppends).toBe(2);
    broker.commitHeld(1);
    await broker.clock.settle();
    expect(stateOf(broker)).toBe('CompletingRebalance');
    broker.commitHeld();
    await Promise.all(syncs);
    expect(follower.assignment).toBe(`anew ${follower.memberId}`);
  });

  it('fences old generations', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    consumer!.generation = 0;
    expect(consumer!.heartbeat()).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect((await consumer!.sync()).errorCode).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(await consumer!.commit(0, 1)).toBe(ErrorCode.ILLEGAL_GENERATION);
  });

  it('takes no SyncGroup for another protocol', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    consumer!.joined = { ...consumer!.joined!, protocolName: 'sticky' };
    expect((await consumer!.sync()).errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    consumer!.joined = { ...consumer!.joined, protocolName: null };
    expect((await consumer!.sync()).errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  });

  it('answers the first of two requests when the second takes its place', async () => {
    const broker = await start();
    const [, follower] = await stableGroup(broker, 2);
    follower!.protocols = [{ name: 'range', metadata: subscriptionTo('more') }];
    const lost = follower!.joinOnce();
    await broker.clock.settle();
    void follower!.joinOnce();
    expect((await lost).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  it('gives up on a new member that waits for ever', async () => {
    const broker = await start();
    const [member] = await stableGroup(broker, 1, () => ({
      rebalanceTimeoutMs: 1_800_000,
      sessionTimeoutMs: 1_800_000,
    }));
    const late = new TestConsumer(broker).join();
    await broker.clock.advance(5 * 60_000 - 1);
    expect(member!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    await broker.clock.advance(1);
    expect(await late).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' });
  });
});

describe('leaving', () => {
  it('rebalances the rest, and leaves an empty group behind', async () => {
    const broker = await start();
    const [first, second] = await stableGroup(broker, 2);
    expect(first!.leave()).toBe(ErrorCode.NONE);
    expect(second!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(await second!.join()).toMatchObject({ generationId: 2, leader: second!.memberId });
    await second!.sync();
    expect(second!.leave()).toBe(ErrorCode.NONE);
    await broker.clock.settle();
    expect(stateOf(broker)).toBe('Empty');
    expect(second!.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(second!.leave()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    // Nothing is kept in memory for it.
    expect(broker.clock.pendingTimers).toBeLessThanOrEqual(2);

    const next = new TestConsumer(broker);
    const join = next.join();
    await broker.clock.advance(3_000);
    expect(await join).toMatchObject({ generationId: 4 });
  });

  it('answers for each member of a batch, and at the top for old clients', async () => {
    const broker = await start();
    const [first, second] = await stableGroup(broker, 2, (index) => ({
      groupInstanceId: index === 0 ? 'one' : null,
    }));
    const context = { ...first!.context, apiVersion: 3 };
    const members = [
      { memberId: '', groupInstanceId: 'one', reason: null },
      { memberId: second!.memberId, groupInstanceId: null, reason: null },
      { memberId: 'stranger', groupInstanceId: null, reason: null },
      { memberId: 'stranger', groupInstanceId: 'nobody', reason: null },
    ];
    const reply = broker.coordinator.leaveGroup(
      { groupId: 'readers', memberId: '', members },
      context,
    );
    expect(reply.errorCode).toBe(ErrorCode.NONE);
    expect(reply.members!.map((member) => member.errorCode)).toEqual([
      0,
      0,
      ErrorCode.UNKNOWN_MEMBER_ID,
      ErrorCode.UNKNOWN_MEMBER_ID,
    ]);
    const old = broker.coordinator.leaveGroup(
      { groupId: 'readers', memberId: 'stranger', members: [] },
      { ...context, apiVersion: 2 },
    );
    expect(old).toEqual({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, members: [] });
  });

  it('lets go of an id that was handed out', async () => {
    const broker = await start();
    const [member] = await stableGroup(broker, 1);
    const pending = new TestConsumer(broker);
    pending.memberId = (await pending.joinOnce()).memberId;
    expect(pending.leave()).toBe(ErrorCode.NONE);
    expect(member!.heartbeat()).toBe(ErrorCode.NONE);
    expect(pending.leave()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('answers the JoinGroup that a leaving member still waits for', async () => {
    const broker = await start();
    const consumer = new TestConsumer(broker);
    const join = consumer.join();
    await broker.clock.settle();
    consumer.leave();
    expect((await join).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});

describe('static members', () => {
  const named = (index: number): TestConsumerOptions => ({
    groupInstanceId: `instance-${index}`,
    clientId: `host-${index}`,
  });

  it('come back within their session without a rebalance', async () => {
    const broker = await start();
    const [leader, follower] = await stableGroup(broker, 2, named);
    const returned = new TestConsumer(broker, named(1));
    const reply = await returned.join();
    expect(reply).toMatchObject({
      errorCode: ErrorCode.NONE,
      generationId: 1,
      leader: leader!.memberId,
      members: [],
      skipAssignment: false,
    });
    expect(returned.memberId).not.toBe(follower!.memberId);
    expect(returned.memberId).toMatch(/^instance-1-/);
    expect(stateOf(broker)).toBe('Stable');
    await returned.sync();
    expect(returned.assignment).toBe(`for ${follower!.memberId}`);
    expect(leader!.heartbeat()).toBe(ErrorCode.NONE);
    // Its old self, if it lives, learns that there is another.
    expect(follower!.heartbeat()).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect((await follower!.joinOnce()).errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(await follower!.commit(0, 1)).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(follower!.leave()).toBe(ErrorCode.FENCED_INSTANCE_ID);
  });

  it('tell a returning leader not to assign', async () => {
    const broker = await start();
    const [leader, follower] = await stableGroup(broker, 2, named);
    const returned = new TestConsumer(broker, named(0));
    expect(await returned.join()).toMatchObject({
      leader: returned.memberId,
      skipAssignment: true,
      generationId: 1,
    });
    expect(returned.joined!.members!.map((member) => member.memberId).sort()).toEqual(
      [returned.memberId, follower!.memberId].sort(),
    );

    // Before version 9 there is no such word: it is told that its former self leads.
    const again = new TestConsumer(broker, { ...named(0), apiVersion: 8 });
    expect(await again.join()).toMatchObject({
      leader: returned.memberId,
      skipAssignment: false,
      members: [],
    });
    expect(leader!.heartbeat()).toBe(ErrorCode.FENCED_INSTANCE_ID);
  });

  it('rebalance when the return changes the protocol', async () => {
    const broker = await start();
    const metadata = subscriptionTo('words');
    const both = (index: number, first: string, second: string): TestConsumerOptions => ({
      ...named(index),
      protocols: [first, second].map((name) => ({ name, metadata })),
    });
    await stableGroup(broker, 1, (index) => both(index, 'range', 'sticky'));
    const returned = new TestConsumer(broker, both(0, 'sticky', 'range'));
    expect(await returned.join()).toMatchObject({ generationId: 2, protocolName: 'sticky' });
  });

  it('keep their place in a rebalance that they miss, until their session ends', async () => {
    const broker = await start();
    const [, absent] = await stableGroup(broker, 2, (index) => ({
      ...named(index),
      sessionTimeoutMs: 60_000,
      rebalanceTimeoutMs: 20_000,
    }));
    const third = new TestConsumer(broker, { rebalanceTimeoutMs: 20_000 });
    const joined = third.join();
    await broker.clock.advance(20_000);
    expect((await joined).members!.map((member) => member.memberId)).toContain(absent!.memberId);
  });

  it('are awaited when none of them rejoins, and give up the group when their sessions end', async () => {
    const broker = await start();
    const [leader] = await stableGroup(broker, 2, (index) => ({
      ...named(index),
      sessionTimeoutMs: 50_000,
      rebalanceTimeoutMs: 20_000,
    }));
    const passing = new TestConsumer(broker, { rebalanceTimeoutMs: 20_000 });
    void passing.join();
    await broker.clock.settle();
    passing.leave();
    await broker.clock.advance(45_000);
    expect(stateOf(broker)).toBe('PreparingRebalance');
    await broker.clock.advance(5_000);
    expect(stateOf(broker)).toBe('Empty');
    expect(leader!.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('fence their former self also while it waits', async () => {
    const broker = await start();
    const former = new TestConsumer(broker, named(0));
    const lost = former.join();
    await broker.clock.settle();
    const returned = new TestConsumer(broker, named(0));
    const join = returned.join();
    expect((await lost).errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    await broker.clock.advance(6_000);
    expect(await join).toMatchObject({
      errorCode: ErrorCode.NONE,
      members: [{ memberId: returned.memberId, groupInstanceId: 'instance-0' }],
    });
  });

  it('keep the old id while the new one cannot be stored', async () => {
    const broker = await start();
    const [leader, follower] = await stableGroup(broker, 2, named);
    broker.appends = { refuse: ErrorCode.NOT_ENOUGH_REPLICAS };
    const returned = new TestConsumer(broker, named(1));
    expect(await returned.join()).toMatchObject({
      errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
      memberId: '',
      generationId: 1,
    });
    expect(follower!.heartbeat()).toBe(ErrorCode.NONE);
    broker.appends = 'commit';
    expect(await returned.join()).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 });
    expect(follower!.heartbeat()).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(leader!.heartbeat()).toBe(ErrorCode.NONE);
  });

  it('are stored together when many return while one is being stored', async () => {
    const broker = await start();
    const consumers = await stableGroup(broker, 5, named);
    broker.appends = 'hold';
    const returned = consumers.map((_, index) => new TestConsumer(broker, named(index)));
    const joins = returned.map((consumer) => consumer.join());
    await broker.clock.settle();
    expect(broker.heldAppends).toBe(1);
    broker.commitHeld();
    await broker.clock.settle();
    expect(broker.heldAppends).toBe(1);
    broker.commitHeld();
    expect(
      (await Promise.all(joins)).map((reply) => [reply.errorCode, reply.generationId]),
    ).toEqual(consumers.map(() => [0, 1]));
    expect(returned.map((consumer) => consumer.heartbeat())).toEqual([0, 0, 0, 0, 0]);
    await broker.restart();
    expect(returned.map((consumer) => consumer.heartbeat())).toEqual([0, 0, 0, 0, 0]);
  });

  it('fence one another when two processes have the same name', async () => {
    const broker = await start();
    await stableGroup(broker, 2, named);
    broker.appends = 'hold';
    const twins = [0, 1].map(() => new TestConsumer(broker, named(1)));
    const others = [new TestConsumer(broker, named(0))];
    const joins = [...others, ...twins].map((consumer) => consumer.join());
    for (let round = 0; round < 3; round++) {
      await broker.clock.settle();
      broker.commitHeld();
    }
    expect(
      (await Promise.all(joins)).map((reply) => [reply.errorCode, reply.generationId]),
    ).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    expect([...others, ...twins].map((consumer) => consumer.heartbeat())).toEqual([
      0,
      ErrorCode.FENCED_INSTANCE_ID,
      0,
    ]);
    expect(membersOf(broker)).toBe(2);
    await broker.restart();
    expect(membersOf(broker)).toBe(2);
    expect([...others, ...twins].map((consumer) => consumer.heartbeat())).toEqual([
      0,
      ErrorCode.FENCED_INSTANCE_ID,
      0,
    ]);
  });

  it('join the rebalance that began while their new id was being stored', async () => {
    const broker = await start();
    const [leader] = await stableGroup(broker, 2, named);
    broker.appends = 'hold';
    const returned = new TestConsumer(broker, named(1));
    const join = returned.join();
    await broker.clock.settle();
    const rejoin = leader!.join();
    await broker.clock.settle();
    expect(stateOf(broker)).toBe('PreparingRebalance');
    broker.commitHeld();
    expect(await join).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 2 });
    expect(await rejoin).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 2 });
  });
});

describe('limits', () => {
  it('holds a group to group.max.size', async () => {
    const broker = await start({ groupMaxSize: 2 });
    const [first, second] = await stableGroup(broker, 2);
    expect((await new TestConsumer(broker).join()).errorCode).toBe(
      ErrorCode.GROUP_MAX_SIZE_REACHED,
    );
    expect([first!.heartbeat(), second!.heartbeat()]).toEqual([0, 0]);
  });

  it('lets a static member return to a full group', async () => {
    const broker = await start({ groupMaxSize: 1 });
    await stableGroup(broker, 1, () => ({ groupInstanceId: 'one' }));
    expect((await new TestConsumer(broker, { groupInstanceId: 'one' }).join()).errorCode).toBe(
      ErrorCode.NONE,
    );
    expect((await new TestConsumer(broker, { groupInstanceId: 'two' }).join()).errorCode).toBe(
      ErrorCode.GROUP_MAX_SIZE_REACHED,
    );
  });

  it('keeps the first to rejoin when a loaded group is larger than it may be now', async () => {
    const broker = await start();
    const consumers = await stableGroup(broker, 3);
    broker.config = { ...broker.config, groupMaxSize: 2 };
    await broker.restart();
    expect(stateOf(broker)).toBe('PreparingRebalance');
    const joins = consumers.map((consumer) => consumer.join());
    expect((await Promise.all(joins)).map((reply) => reply.errorCode)).toEqual([
      0,
      0,
      ErrorCode.GROUP_MAX_SIZE_REACHED,
    ]);
  });

  it('hands out so many unused ids and no more', async () => {
    const broker = await start();
    broker.config = { ...broker.config, limits: { ...broker.config.limits, pendingJoinsMax: 2 } };
    const errorCodes: ErrorCode[] = [];
    for (let i = 0; i < 3; i++)
      errorCodes.push((await new TestConsumer(broker).joinOnce()).errorCode);
    expect(errorCodes).toEqual([
      ErrorCode.MEMBER_ID_REQUIRED,
      ErrorCode.MEMBER_ID_REQUIRED,
      ErrorCode.GROUP_MAX_SIZE_REACHED,
    ]);
  });

  it("bounds groups and a member's metadata", async () => {
    const broker = await start();
    broker.config = {
      ...broker.config,
      limits: { ...broker.config.limits, groupsMax: 1, memberMetadataBytesMax: 100 },
    };
    await new TestConsumer(broker, { groupId: 'first' }).joinOnce();
    expect((await new TestConsumer(broker, { groupId: 'second' }).joinOnce()).errorCode).toBe(
      ErrorCode.GROUP_MAX_SIZE_REACHED,
    );
    const heavy = new TestConsumer(broker, {
      groupId: 'first',
      protocols: [{ name: 'range', metadata: new Uint8Array(100) }],
    });
    expect((await heavy.joinOnce()).errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});
