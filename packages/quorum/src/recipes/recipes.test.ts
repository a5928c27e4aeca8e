import { createMemoryVolume } from '@odradek/storage/memory';
import { seededRandom } from '@odradek/ports/testing';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import type { QuorumMember } from '../member/quorum-member.ts';
import { startLoneMember } from '../testing/ensemble.ts';
import { SimulatedEnsemble } from '../testing/simulated-ensemble.ts';
import type { SimulatedMember } from '../testing/simulated-member.ts';
import type { SessionId } from '../tree/node.ts';
import { addToCounter, readCounter } from './counter.ts';
import { followLeader, leaderOf, standForElection, type ElectedLeader } from './leader-election.ts';
import { acquireLock } from './lock.ts';
import { memberClient } from './member-client.ts';
import { followMembers, joinGroup, membersOf } from './membership.ts';
import type { TreeClient } from './tree-client.ts';

async function lone() {
  const { member } = await startLoneMember(createMemoryVolume({ random: seededRandom(1) }));
  const client = async (): Promise<TreeClient> => {
    const opened = await member.openSession({ timeoutMs: 60_000 });
    if (opened.status !== 'committed') throw new Error(opened.status);
    return memberClient(member, opened.session.id);
  };
  return { member, client };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a lock', () => {
  it('is held by one, and goes to the next in the order in which they came', async () => {
    const { client } = await lone();
    const clients = [await client(), await client(), await client()];
    const held: number[] = [];
    const fences: number[] = [];
    const done = clients.map(async (one, n) => {
      const lock = await acquireLock(one, '/locks/a');
      held.push(n);
      fences.push(lock.fence);
      await turns();
      expect(held.at(-1)).toBe(n);
      await lock.release();
      await lock.release();
      await lock.lost;
    });
    await Promise.all(done);
    expect([...held].sort()).toEqual([0, 1, 2]);
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
  });

  it('is lost with the session, and the next one has it', async () => {
    const { member, client } = await lone();
    const [first, second] = [await client(), await client()];
    const lock = await acquireLock(first, '/lock');
    const next = acquireLock(second, '/lock');
    await member.closeSession(first.sessionId);
    await lock.lost;
    expect((await next).fence).toBeGreaterThan(lock.fence);
    await expect(acquireLock(first, '/lock')).rejects.toMatchObject({
      error: { code: 'sessionExpired' },
    });
  });

  it('that is waited for no longer leaves no place in the queue', async () => {
    const { member, client } = await lone();
    const [first, second] = [await client(), await client()];
    await acquireLock(first, '/lock');
    const giveUp = new AbortController();
    const waiting = acquireLock(second, '/lock', { signal: giveUp.signal });
    await turns();
    giveUp.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(member.tree.children('/lock')).toHaveLength(1);
  });

  it('is found again when it is not known whether the place in the queue was taken', async () => {
    const { member, client } = await lone();
    const one = await client();
    let isFirst = true;
    const doubtful: TreeClient = {
      ...one,
      async propose(ops) {
        const answer = await one.propose(ops);
        const isTicket = ops[0]?.op === 'create' && ops[0].sequential === true;
        if (isTicket && isFirst) {
          isFirst = false;
          throw new Error('the connection was lost');
        }
        return answer;
      },
    };
    await acquireLock(doubtful, '/lock');
    expect(member.tree.children('/lock')).toHaveLength(1);
  });
});

describe('an election', () => {
  it('has one leader at a time, whom everybody can tell', async () => {
    const { member, client } = await lone();
    const [one, two] = [await client(), await client()];
    const told: (ElectedLeader | undefined)[] = [];
    const stop = followLeader(two, '/leader', (leader) => told.push(leader));
    await turns();
    const first = await standForElection(one, '/leader', { name: 'one' });
    const second = standForElection(two, '/leader', { name: 'two' });
    await turns();
    expect(await leaderOf(two, '/leader')).toEqual({ name: 'one', fence: first.fence });
    await member.closeSession(one.sessionId);
    await second;
    await turns();
    stop();
    expect(told.map((it) => it?.name)).toEqual([undefined, 'one', 'two']);
  });
});

describe('membership', () => {
  it('is told to all, and ends with the session', async () => {
    const { member, client } = await lone();
    const [one, two] = [await client(), await client()];
    const seen: string[] = [];
    const stop = followMembers(two, '/members', (members) =>
      seen.push(members.map((it) => `${it.name}=${utf8Decode(it.value)}`).join()),
    );
    await turns();
    const joined = await joinGroup(one, '/members', { name: 'a', value: utf8Encode('1') });
    await turns();
    await joined.update(utf8Encode('2'));
    await joinGroup(two, '/members', { name: 'b', value: utf8Encode('1') });
    await turns();
    await expect(
      joinGroup(two, '/members', { name: 'a', value: utf8Encode('x') }),
    ).rejects.toMatchObject({ error: { code: 'nodeExists' } });
    await member.closeSession(one.sessionId);
    await turns();
    stop();
    expect(seen[0]).toBe('');
    expect(seen).toContain('a=1');
    expect(seen.at(-1)).toBe('b=1');
    expect(await membersOf(one, '/members')).toHaveLength(1);
  });
});

describe('a counter', () => {
  it('loses nothing of what many add at once', async () => {
    const { client } = await lone();
    const clients = [await client(), await client(), await client()];
    const sums = await Promise.all(
      Array.from({ length: 30 }, (_, n) => addToCounter(clients[n % 3]!, '/counts/a', 2)),
    );
    expect(await readCounter(clients[0]!, '/counts/a')).toBe(60);
    expect(new Set(sums).size).toBe(30);
    expect(await readCounter(clients[0]!, '/counts/none')).toBe(0);
  });
});

/** A client beside a member, whose proposals and heartbeats find their way to the leader, as a broker's would. */
class Neighbour {
  readonly ensemble: SimulatedEnsemble;
  readonly at: SimulatedMember;
  readonly timeoutMs = 1500;
  /** Until then its session is its own for certain. */
  aliveUntilMs = 0;
  isHolding = false;
  #sessionId: SessionId | undefined;

  constructor(ensemble: SimulatedEnsemble, at: SimulatedMember) {
    this.ensemble = ensemble;
    this.at = at;
  }

  get isAlive(): boolean {
    return this.ensemble.time.nowMs < this.aliveUntilMs;
  }

  get believes(): boolean {
    return this.isHolding && this.isAlive;
  }

  /** As far as the network carries it. */
  #leader(): QuorumMember | undefined {
    const { leader } = this.ensemble;
    if (leader === undefined || !this.at.isUp) return undefined;
    const isReached =
      leader === this.at ||
      (this.ensemble.reaches(this.at, leader) && this.ensemble.reaches(leader, this.at));
    return isReached ? leader.member : undefined;
  }

  async run(isOver: () => boolean, held: (by: Neighbour) => void): Promise<void> {
    while (!isOver()) {
      try {
        await this.#turn(held);
      } catch {
        // Its session, its leader or its member is gone: it begins again.
      }
      this.isHolding = false;
      await this.#pause(100);
    }
  }

  async #turn(held: (by: Neighbour) => void): Promise<void> {
    const leader = this.#leader();
    const beganMs = this.ensemble.time.nowMs;
    if (leader === undefined) return;
    const opened = await Promise.race([
      leader.openSession({ timeoutMs: this.timeoutMs }),
      this.#pause(this.timeoutMs),
    ]);
    if (opened?.status !== 'committed') return;
    const { id } = opened.session;
    this.aliveUntilMs = beganMs + this.timeoutMs * 0.9;
    this.#sessionId = id;
    this.#beat(id, this.at.life);
    const client = this.#client(id);
    const lock = await Promise.race([acquireLock(client, '/lock'), this.#lapsed()]);
    if (lock === undefined || !this.isAlive) return;
    this.isHolding = true;
    held(this);
    await this.#pause(50 + this.ensemble.draw(300));
    this.isHolding = false;
    if (this.isAlive) await Promise.race([lock.release(), this.#lapsed()]);
    this.aliveUntilMs = 0;
  }

  /** It dies with its member. */
  #beat(id: SessionId, life: number): void {
    this.ensemble.time.after(200, () => {
      const isDead = !this.at.isUp || this.at.life !== life;
      if (!this.isAlive || isDead || this.#sessionId !== id) return;
      if (this.#leader()?.touchSession(id) === true)
        this.aliveUntilMs = this.ensemble.time.nowMs + this.timeoutMs * 0.9;
      this.#beat(id, life);
    });
  }

  #client(id: SessionId): TreeClient {
    const { at, ensemble } = this;
    const member = at.member!;
    const client = memberClient(
      {
        get tree() {
          return member.tree;
        },
        onChange: (listener) => member.onChange(listener),
        sync: () => member.sync(),
        // A leader that dies answers nothing more.
        propose: (ops, options) =>
          Promise.race([
            this.#leader()?.propose(ops, options) ?? Promise.reject(new Error('no leader')),
            this.#pause(1000).then(() => Promise.reject(new Error('no answer'))),
          ]),
      },
      id,
    );
    return {
      ...client,
      onSessionEnd: (ended) => {
        const look = (): void => {
          if (!this.isAlive) ended();
          else ensemble.time.after(50, look);
        };
        look();
        return client.onSessionEnd(ended);
      },
    };
  }

  async #lapsed(): Promise<undefined> {
    while (this.isAlive) await this.#pause(50);
    return undefined;
  }

  #pause(forMs: number): Promise<void> {
    return new Promise((resolve) => void this.ensemble.time.after(forMs, resolve));
  }
}

describe('in an ensemble whose members die and are cut off', () => {
  it('two never hold the same lock, and it does not stay with the dead', async () => {
    let holders = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const ensemble = new SimulatedEnsemble({ seed, voters: 3, snapshotIntervalBytes: 2000 });
      ensemble.startAll();
      expect(await ensemble.runUntil(() => ensemble.leader !== undefined, 10_000)).toBe(true);
      let isOver = false;
      const fences: string[] = [];
      const neighbours = ensemble.members.map((at) => new Neighbour(ensemble, at));
      for (const one of neighbours)
        void one.run(
          () => isOver,
          (by) => {
            fences.push(`${by.at.id}`);
            expect(neighbours.filter((it) => it.believes)).toEqual([by]);
          },
        );
      for (let n = 0; n < 12; n++) {
        await ensemble.run(700);
        for (const it of ensemble.members) if (!it.isUp) ensemble.start(it);
        ensemble.heal();
        const victim = ensemble.pick(ensemble.members);
        if (ensemble.chance(40)) ensemble.isolate(victim);
        else if (ensemble.chance(50)) ensemble.crash(victim);
      }
      ensemble.heal();
      for (const it of ensemble.members) if (!it.isUp) ensemble.start(it);
      const before = fences.length;
      expect(await ensemble.runUntil(() => fences.length > before + 2, 15_000)).toBe(true);
      holders += fences.length;
      isOver = true;
    }
    expect(holders).toBeGreaterThan(20);
  }, 30_000);
});
