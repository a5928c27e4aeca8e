/**
 * Random histories of one group: clients that join, sync, commit, leave and vanish in any order, a log that is slow or refuses,
 * restarts in between. Whatever happens:
 *
 * - a generation has one leader, and each answered SyncGroup brings what that leader gave in that generation to that member;
 * - no two members go by the same instance id;
 * - an acknowledged offset is never lost to a smaller one, and none is seen that the log does not have;
 * - after a restart a stable group is the same group;
 * - in the end every request was answered, and what is in memory is what the log says.
 */
import assert from 'node:assert/strict';
import { batchesIn, ErrorCode, recordsIn } from '@odradek/protocol';
import { seededRandom } from '@odradek/ports/testing';
import fc from 'fast-check';
import { it } from 'vitest';
import { OffsetsImage } from './offsets-image.ts';
import { decodeRecord } from './records/records.ts';
import { FakeBroker } from './testing/fake-broker.ts';
import { subscriptionTo, TestConsumer } from './testing/test-consumer.ts';

const PARTITIONS = 2;
const CLIENTS = 5;
/** The last two have names. */
const isStatic = (client: number): boolean => client >= 3;

type Step =
  | {
      readonly do: 'join' | 'joinAgain' | 'sync' | 'heartbeat' | 'leave' | 'vanish' | 'change';
      readonly client: number;
    }
  | { readonly do: 'commit'; readonly client: number; readonly partition: number }
  | { readonly do: 'advance'; readonly ms: number }
  /** All join and sync, as good clients do. */
  | { readonly do: 'convene' }
  | { readonly do: 'hold' | 'release' | 'lose' | 'refuse' | 'commitAgain' | 'restart' | 'delete' };

const client = fc.nat(CLIENTS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constantFrom('join' as const, 'sync' as const), client }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('heartbeat' as const), client }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'leave' as const,
        'vanish' as const,
        'change' as const,
        'joinAgain' as const,
      ),
      client,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      client,
      partition: fc.nat(PARTITIONS - 1),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 500, 3_000, 6_000, 11_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'hold' as const,
        'release' as const,
        'lose' as const,
        'refuse' as const,
        'commitAgain' as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'convene' as const,
        'convene' as const,
        'restart' as const,
        'delete' as const,
      ),
    }),
  },
);

class History {
  readonly #broker: FakeBroker;
  readonly #clients: TestConsumer[];
  readonly #joining = new Set<TestConsumer>();
  readonly #syncing = new Set<TestConsumer>();
  readonly #leaders = new Map<string, string>();
  /** Of each partition: the largest offset that was acknowledged. */
  readonly #acknowledged: number[] = [];
  /** Offsets rise, so that order can be seen. */
  #lastOffset = 0;
  /** Generations that were not stored may come again after a restart or a deletion. */
  #era = 0;
  #unanswered = 0;
  /** Of checks in answers, which nobody awaits. */
  readonly #failures: unknown[] = [];

  constructor(broker: FakeBroker) {
    this.#broker = broker;
    this.#clients = Array.from({ length: CLIENTS }, (_, index) => this.#newClient(index));
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      await this.#step(each);
      await this.#broker.clock.settle();
      if (this.#failures.length > 0) throw this.#failures[0];
      await this.#checkOffsets();
      this.#checkMembers();
    }
    await this.#conclude();
  }

  async #step(each: Step): Promise<void> {
    const broker = this.#broker;
    switch (each.do) {
      case 'join':
        if (!this.#joining.has(this.#clients[each.client]!))
          this.#join(this.#clients[each.client]!);
        return;
      case 'joinAgain':
        return this.#join(this.#clients[each.client]!);
      case 'sync':
        return this.#sync(this.#clients[each.client]!);
      case 'convene':
        return this.#convene();
      case 'heartbeat':
        this.#clients[each.client]!.heartbeat();
        return;
      case 'leave':
        this.#clients[each.client]!.leave();
        return;
      case 'vanish':
        this.#clients[each.client] = this.#newClient(each.client);
        return;
      case 'change':
        this.#clients[each.client]!.protocols = [
          { name: 'range', metadata: subscriptionTo('words', `t${this.#lastOffset}`) },
        ];
        return;
      case 'commit':
        return this.#commit(this.#clients[each.client]!, each.partition);
      case 'advance':
        return broker.clock.advance(each.ms);
      case 'hold':
        broker.appends = 'hold';
        return;
      case 'release':
        return broker.commitHeld();
      case 'lose':
        return broker.loseHeld(ErrorCode.NOT_ENOUGH_REPLICAS);
      case 'refuse':
        if (broker.heldAppends === 0) broker.appends = { refuse: ErrorCode.NOT_LEADER_OR_FOLLOWER };
        return;
      case 'commitAgain':
        broker.commitHeld();
        broker.appends = 'commit';
        return;
      case 'restart':
        return this.#restart();
      case 'delete':
        return this.#delete();
    }
  }

  #newClient(index: number): TestConsumer {
    return new TestConsumer(this.#broker, {
      clientId: `c${index}`,
      groupInstanceId: isStatic(index) ? `static${index}` : null,
      rebalanceTimeoutMs: 8_000,
      apiVersion: [9, 3, 5, 9, 8][index]!,
    });
  }

  async #convene(): Promise<void> {
    for (const consumer of this.#clients) if (!this.#joining.has(consumer)) this.#join(consumer);
    await this.#broker.clock.advance(2_000);
    for (const consumer of this.#clients) if (!this.#joining.has(consumer)) this.#join(consumer);
    await this.#broker.clock.advance(6_000);
    for (const consumer of this.#clients) this.#sync(consumer);
    await this.#broker.clock.settle();
  }

  #join(consumer: TestConsumer): void {
    this.#joining.add(consumer);
    const era = this.#era;
    this.#check(consumer.join(), (reply) => {
      this.#joining.delete(consumer);
      if (reply.errorCode === ErrorCode.NONE)
        this.#checkLeader(`${era}/${reply.generationId}`, identityOf(reply.leader));
      else if (
        reply.errorCode === ErrorCode.UNKNOWN_MEMBER_ID ||
        reply.errorCode === ErrorCode.FENCED_INSTANCE_ID
      )
        consumer.memberId = '';
    });
  }

  #sync(consumer: TestConsumer): void {
    if (consumer.joined === undefined || this.#syncing.has(consumer)) return;
    this.#syncing.add(consumer);
    const { generation } = consumer;
    this.#check(
      consumer.sync((memberId) => `${generation} ${identityOf(memberId)}`),
      (reply) => {
        this.#syncing.delete(consumer);
        if (reply.errorCode === ErrorCode.NONE)
          assert.equal(consumer.assignment, `${generation} ${identityOf(consumer.memberId)}`);
      },
    );
  }

  #commit(consumer: TestConsumer, partition: number): void {
    const offset = ++this.#lastOffset;
    const era = this.#era;
    this.#check(consumer.commit(partition, offset), (errorCode) => {
      if (errorCode === ErrorCode.NONE && era === this.#era)
        this.#acknowledged[partition] = Math.max(offset, this.#acknowledged[partition] ?? 0);
    });
  }

  async #restart(): Promise<void> {
    const before = this.#describe();
    const isComparable = before.groupState === 'Stable' && this.#broker.heldAppends === 0;
    await this.#broker.restart();
    this.#era++;
    if (isComparable) assert.deepEqual(this.#describe(), before);
  }

  async #delete(): Promise<void> {
    const deleted = this.#broker.coordinator.deleteGroups({ groupsNames: ['readers'] });
    this.#broker.commitHeld();
    if (typeof this.#broker.appends === 'object') this.#broker.appends = 'commit';
    const errorCode = (await deleted).results[0]!.errorCode;
    if (errorCode !== ErrorCode.NONE) return;
    this.#era++;
    this.#acknowledged.length = 0;
  }

  #check<T>(request: Promise<T>, check: (reply: T) => void): void {
    this.#unanswered++;
    request
      .then((reply) => {
        this.#unanswered--;
        check(reply);
      })
      .catch((error: unknown) => this.#failures.push(error));
  }

  #checkLeader(generation: string, leader: string): void {
    assert.equal(leader, this.#leaders.get(generation) ?? leader);
    this.#leaders.set(generation, leader);
  }

  async #checkOffsets(): Promise<void> {
    const image = this.#imageOfLog();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const seen = await this.#clients[0]!.committed(partition);
      assert.ok(
        seen >= (this.#acknowledged[partition] ?? -1),
        `offset ${seen} after a later one was acknowledged`,
      );
      assert.equal(seen, image.offsets('readers')?.get('words')?.get(partition)?.offset ?? -1);
    }
  }

  #checkMembers(): void {
    const names = this.#describe().members.flatMap(({ groupInstanceId }) => groupInstanceId ?? []);
    assert.equal(new Set(names).size, names.length);
  }

  /** Nobody asks any more: each wait ends, each session, and the group. */
  async #conclude(): Promise<void> {
    const broker = this.#broker;
    broker.commitHeld();
    broker.appends = 'commit';
    await broker.clock.advance(10 * 60_000);
    assert.equal(this.#unanswered, 0);
    const { groupState } = this.#describe();
    assert.match(groupState, /^(Empty|Dead)$/);
    // Expiry of offsets is all that is left to wait for.
    assert.ok(broker.clock.pendingTimers <= 2);
    await this.#checkOffsets();
    await broker.restart();
    await this.#checkOffsets();
  }

  /** Members by name, for a static one may have changed its id. */
  #describe() {
    const request = { groups: ['readers'], includeAuthorizedOperations: false };
    const group = this.#broker.coordinator.describeGroups(request, {
      apiVersion: 5,
      clientId: '',
      clientHost: '',
    }).groups[0]!;
    const members = group.members.map((member) => ({
      ...member,
      memberId: identityOf(member.memberId),
    }));
    return { ...group, members: members.sort((a, b) => (a.memberId < b.memberId ? -1 : 1)) };
  }

  #imageOfLog(): OffsetsImage {
    const image = new OffsetsImage();
    for (const bytes of this.#broker.logs.get(0) ?? []) {
      for (const batch of batchesIn(bytes)) {
        for (const { key, value } of recordsIn(batch)) {
          const record = decodeRecord(key!, value);
          if (record.type !== 'unknown') image.replay(record);
        }
      }
    }
    return image;
  }
}

function identityOf(memberId: string): string {
  return memberId.startsWith('static') ? memberId.slice(0, 'static0'.length) : memberId;
}

it('holds its promises whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 100, size: 'max' }),
      fc.nat(),
      async (steps, seed) => {
        const broker = await FakeBroker.start(seededRandom(seed), {
          initialRebalanceDelayMs: 2_000,
        });
        await new History(broker).run(steps);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
