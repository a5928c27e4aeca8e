import { leaderEpoch, nodeId, offset } from '@odradek/protocol';
import { createActor, fromPromise, type SnapshotFrom } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { describe, expect, it } from 'vitest';
import type { PartitionAssignment } from './assignment.ts';
import { partitionReplicaMachine, type ReplicaEvent } from './partition-replica.machine.ts';

const ONE = nodeId(1);
const TWO = nodeId(2);
const KEY = { topic: 'words', topicId: 'id', partition: 0 };

const assignment = (
  leader: number,
  epoch: number,
  partitionEpoch = epoch,
): PartitionAssignment => ({
  replicas: [ONE, TWO],
  isr: [ONE, TWO],
  leader: nodeId(leader),
  leaderEpoch: leaderEpoch(epoch),
  partitionEpoch,
});

/** As the controller has it after it was told that the log of broker 1 is lost. */
const lost = (leader: number, epoch: number): PartitionAssignment => ({
  ...assignment(leader, epoch),
  isr: [TWO],
  offline: [ONE],
});

/** `follower.fetching` for a state within another. */
const nameOf = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : Object.entries(value as object)
        .map(([parent, child]) => `${parent}.${nameOf(child)}`)
        .join();

const divergence = (epoch: number, endOffset: number): ReplicaEvent => ({
  type: 'divergence.found',
  leaderEpoch: leaderEpoch(epoch),
  truncation: { kind: 'cut', endOffset: offset(endOffset) },
});

type Ending = { readonly done: () => void; readonly failed: (error: Error) => void };

/** A replica whose effects are written down and whose disk answers when it is told to. */
const replica = (first: PartitionAssignment | null = assignment(1, 1)) => {
  const effects: string[] = [];
  const disk: Record<'open' | 'cut' | 'close' | 'delete' | 'setAside', Ending[]> = {
    setAside: [],
    open: [],
    cut: [],
    close: [],
    delete: [],
  };
  const waits = (what: keyof typeof disk) =>
    new Promise<void>((done, failed) => disk[what].push({ done, failed }));
  const machine = partitionReplicaMachine.provide({
    actors: {
      openLog: fromPromise(() => waits('open')),
      truncateLog: fromPromise(({ input }) => {
        effects.push(`cut ${input.truncation.kind === 'cut' ? input.truncation.endOffset : ''}`);
        return waits('cut');
      }),
      closeLog: fromPromise(({ input }) => {
        effects.push(`close ${input.clean ? 'cleanly' : 'at once'}`);
        return waits('close');
      }),
      deleteLog: fromPromise(() => waits('delete')),
      setLogAside: fromPromise(({ input }) => {
        effects.push(`set aside: ${input.reason}`);
        return waits('setAside');
      }),
    },
    actions: {
      lead: (_, { assignment: it }) => void effects.push(`lead ${it!.leaderEpoch}`),
      follow: (_, { assignment: it }) => void effects.push(`follow ${it!.leader}`),
      startFetching: (_, { assignment: it }) => void effects.push(`fetch from ${it!.leader}`),
      stopFetching: () => void effects.push('fetch no more'),
      goOffline: (_, { reason }) => void effects.push(`offline: ${reason}`),
    },
  });
  const actor = createActor(machine, { input: { key: KEY, nodeId: ONE, assignment: first } });
  actor.start();
  return {
    effects,
    disk,
    send: (event: ReplicaEvent) => actor.send(event),
    state: () => nameOf(actor.getSnapshot().value),
    context: () => actor.getSnapshot().context,
    has: (tag: 'acceptsWrites' | 'servesReads' | 'settled') => actor.getSnapshot().hasTag(tag),
    settle: async () => {
      for (let turn = 0; turn < 6; turn++) await Promise.resolve();
    },
    async opened() {
      for (const it of disk.open) it.done();
      await this.settle();
    },
  };
};

describe('a replica', () => {
  it('has no role before its log is open', async () => {
    const one = replica();
    expect(one.state()).toBe('loading');
    expect(one.has('settled')).toBe(false);
    await one.opened();
    expect(one.state()).toBe('leader');
    expect(one.effects).toEqual(['lead 1']);
    expect(one.has('acceptsWrites') && one.has('servesReads') && one.has('settled')).toBe(true);
  });

  it('plays the newest role that came while it opened', async () => {
    const one = replica();
    one.send({ type: 'leadership.assigned', assignment: assignment(2, 3) });
    one.send({ type: 'leadership.assigned', assignment: assignment(1, 2) });
    await one.opened();
    expect(one.effects).toEqual(['follow 2', 'fetch from 2']);
    expect(one.has('acceptsWrites')).toBe(false);
  });

  it('waits for a role when it has none', async () => {
    const one = replica(null);
    await one.opened();
    expect(one.state()).toBe('assigning');
    one.send({ type: 'leadership.assigned', assignment: assignment(1, 1) });
    expect(one.state()).toBe('leader');
  });

  it('changes its role by epoch, and is not moved by what was overtaken', async () => {
    const one = replica(assignment(1, 5));
    await one.opened();
    one.send({ type: 'leadership.assigned', assignment: assignment(2, 4) });
    one.send({ type: 'leadership.assigned', assignment: assignment(1, 5) });
    expect(one.effects).toEqual(['lead 5']);
    // The ISR changed: the same leadership, told anew.
    one.send({ type: 'leadership.assigned', assignment: assignment(1, 5, 6) });
    one.send({ type: 'leadership.assigned', assignment: assignment(2, 6, 7) });
    one.send({ type: 'leadership.assigned', assignment: assignment(1, 7, 8) });
    expect(one.effects).toEqual([
      'lead 5',
      'lead 5',
      'follow 2',
      'fetch from 2',
      'fetch no more',
      'lead 7',
    ]);
  });

  it('that parted from its leader cuts its log before it fetches again', async () => {
    const one = replica(assignment(2, 3));
    await one.opened();
    one.send(divergence(2, 9));
    expect(one.state()).toBe('follower.fetching');
    one.effects.length = 0;
    one.send(divergence(3, 5));
    expect([one.state(), one.effects]).toEqual(['follower.truncating', ['fetch no more', 'cut 5']]);
    one.disk.cut[0]!.done();
    await one.settle();
    expect(one.effects.slice(2)).toEqual(['follow 2', 'fetch from 2']);
  });

  it('that is to lead while it cuts its log does so when the disk is done', async () => {
    const one = replica(assignment(2, 3));
    await one.opened();
    one.send(divergence(3, 5));
    one.effects.length = 0;
    one.send({ type: 'leadership.assigned', assignment: assignment(1, 4) });
    expect([one.state(), one.effects]).toEqual(['follower.truncating', []]);
    one.disk.cut[0]!.done();
    await one.settle();
    expect([one.state(), one.effects]).toEqual(['leader', ['lead 4']]);
  });

  it('whose log cannot be cut is offline', async () => {
    const one = replica(assignment(2, 3));
    await one.opened();
    one.send(divergence(3, 5));
    one.disk.cut[0]!.failed(new Error('EIO'));
    await one.settle();
    expect([one.state(), one.context().failure]).toEqual(['offline', 'EIO']);
  });

  it('whose log fails is offline for good', async () => {
    const one = replica();
    await one.opened();
    one.send({ type: 'log.failed', reason: 'fdatasync' });
    one.send({ type: 'leadership.assigned', assignment: assignment(1, 9) });
    expect(one.state()).toBe('offline');
    expect(one.effects).toEqual(['lead 1', 'offline: fdatasync']);
    expect(one.has('acceptsWrites')).toBe(false);
    expect(one.has('settled')).toBe(true);
  });

  it('whose log cannot be opened is offline, and so is one whose log fails before it has a role', async () => {
    const one = replica();
    one.disk.open[0]!.failed(new Error('damaged'));
    await one.settle();
    expect(one.effects).toEqual(['offline: damaged']);
    const two = replica();
    two.send({ type: 'log.failed', reason: 'fdatasync' });
    await two.opened();
    expect(two.effects).toEqual(['offline: fdatasync']);
  });

  it('is deleted or closed only when the disk is done with the opening', async () => {
    const one = replica();
    one.send({ type: 'deletion.requested' });
    expect(one.disk.delete).toHaveLength(0);
    await one.opened();
    expect(one.disk.delete).toHaveLength(1);
    one.disk.delete[0]!.done();
    await one.settle();
    expect(one.state()).toBe('deleted');
    const two = replica();
    two.send({ type: 'close.requested', clean: true });
    expect(two.disk.close).toHaveLength(0);
    await two.opened();
    expect(two.effects).toEqual(['close cleanly']);
    two.disk.close[0]!.done();
    await two.settle();
    expect(two.state()).toBe('closed');
    expect(two.context().failure).toBe(null);
  });

  it('that could not be opened is deleted all the same', async () => {
    const one = replica();
    one.send({ type: 'deletion.requested' });
    for (const it of one.disk.open) it.failed(new Error('damaged'));
    await one.settle();
    expect(one.disk.delete).toHaveLength(1);
  });

  it('does not vouch for files that it could not open or close', async () => {
    const one = replica();
    one.send({ type: 'close.requested', clean: true });
    for (const it of one.disk.open) it.failed(new Error('damaged'));
    await one.settle();
    expect([one.state(), one.context().failure]).toEqual(['closed', 'damaged']);
    const two = replica();
    await two.opened();
    two.send({ type: 'close.requested', clean: true });
    two.disk.close[0]!.failed(new Error('no space'));
    await two.settle();
    expect([two.state(), two.context().failure]).toEqual(['closed', 'no space']);
  });

  it('says when its files could not be removed', async () => {
    const one = replica();
    await one.opened();
    one.send({ type: 'deletion.requested' });
    one.disk.delete[0]!.failed(new Error('busy'));
    await one.settle();
    expect([one.state(), one.context().failure]).toEqual(['deletionFailed', 'busy']);
  });
});

const damage = (): Error => {
  const error = new Error('a rotten bit');
  error.name = 'LogCorruptError';
  return error;
};

describe('a replica whose log is damaged', () => {
  it('is set aside when the controller knows and another leads, and begins anew', async () => {
    const one = replica(assignment(2, 1));
    one.disk.open[0]!.failed(damage());
    await one.settle();
    expect([one.state(), one.context().isDamaged]).toEqual(['offline', true]);
    // Out of the ISR, and not noted as lost: it may be elected where nobody else is left.
    one.send({
      type: 'leadership.assigned',
      assignment: { ...assignment(2, 1, 2), isr: [TWO] },
    });
    expect(one.state()).toBe('offline');
    one.send({ type: 'leadership.assigned', assignment: { ...lost(2, 1), partitionEpoch: 3 } });
    expect(one.state()).toBe('settingAside');
    one.disk.setAside[0]!.done();
    await one.settle();
    expect(one.state()).toBe('loading');
    one.disk.open[1]!.done();
    await one.settle();
    expect(one.effects).toEqual([
      'offline: a rotten bit',
      'set aside: a rotten bit',
      'follow 2',
      'fetch from 2',
    ]);
    expect([one.context().failure, one.context().isDamaged]).toEqual([null, false]);
  });

  it('keeps what it has while nobody else leads', async () => {
    const one = replica(assignment(2, 1));
    one.disk.open[0]!.failed(damage());
    await one.settle();
    const nobody = { ...lost(-1, 2), isr: [], lastKnownLeader: ONE };
    one.send({ type: 'leadership.assigned', assignment: nobody });
    expect(one.state()).toBe('offline');
  });

  it('leads on if no other is in sync, with what can be read', async () => {
    const alone = replica({ ...assignment(1, 1), isr: [ONE] });
    await alone.opened();
    alone.send({ type: 'damage.found', reason: 'checksum' });
    expect(alone.state()).toBe('leader');
    const one = replica();
    await one.opened();
    one.send({ type: 'damage.found', reason: 'checksum' });
    expect([one.state(), one.context().isDamaged]).toEqual(['offline', true]);
  });

  it('is closed and deleted after the disk has done what was under way', async () => {
    for (const [event, state] of [
      [{ type: 'close.requested', clean: true }, 'closed'],
      [{ type: 'deletion.requested' }, 'deleting'],
    ] as const) {
      const one = replica(lost(2, 1));
      one.disk.open[0]!.failed(damage());
      await one.settle();
      one.send(event);
      for (const it of one.disk.setAside) it.done();
      await one.settle();
      expect(one.state()).toBe(state);
    }
  });
});

const EVENTS: readonly ReplicaEvent[] = [
  { type: 'leadership.assigned', assignment: assignment(1, 2) },
  { type: 'leadership.assigned', assignment: assignment(2, 3) },
  divergence(3, 5),
  { type: 'log.failed', reason: 'fdatasync' },
  { type: 'damage.found', reason: 'checksum' },
  { type: 'leadership.assigned', assignment: lost(2, 4) },
  { type: 'deletion.requested' },
  { type: 'close.requested', clean: true },
  { type: 'close.requested', clean: false },
];

const ENDING: readonly ReplicaEvent['type'][] = [
  'divergence.found',
  'log.failed',
  'damage.found',
  'deletion.requested',
  'close.requested',
];

/** Left alone on purpose: what is being closed or deleted has no role, no failure and no other end. */
const IGNORED: Readonly<Record<string, readonly ReplicaEvent['type'][]>> = {
  loading: ['divergence.found', 'damage.found'],
  loadingThenDeleting: ENDING,
  loadingThenClosing: ENDING,
  // Without an assignment nobody appends or reads: it fails when it is used.
  assigning: ['divergence.found', 'log.failed', 'damage.found'],
  leader: ['divergence.found'],
  offline: ['divergence.found', 'log.failed', 'damage.found'],
  settingAside: ['divergence.found', 'log.failed', 'damage.found'],
  settingAsideThenDeleting: ENDING,
  settingAsideThenClosing: ENDING,
  deleting: ENDING,
  closing: ENDING,
  // It is being cut, by what was found before.
  'follower.truncating': ['divergence.found'],
};
const FINAL = ['deletionFailed', 'deleted', 'closed'];

interface StateNode {
  readonly type: string;
  readonly states: Readonly<Record<string, StateNode>>;
  readonly ownEvents: readonly string[];
}

/** The states that something can be in, with what those around them handle. */
function* leavesOf(
  states: StateNode['states'],
  inherited: readonly string[],
  prefix = '',
): Generator<readonly [name: string, state: StateNode, inherited: readonly string[]]> {
  for (const [name, state] of Object.entries(states)) {
    if (Object.keys(state.states).length === 0) yield [prefix + name, state, inherited];
    else {
      yield* leavesOf(state.states, [...inherited, ...state.ownEvents], `${prefix}${name}.`);
    }
  }
}

describe('the machine', () => {
  it('handles or leaves alone on purpose every event in every state', () => {
    const { states, ownEvents } = partitionReplicaMachine.root as unknown as StateNode;
    const types = [...new Set(EVENTS.map((it) => it.type))];
    for (const [name, state, inherited] of leavesOf(states, ownEvents)) {
      if (state.type === 'final') {
        expect(FINAL).toContain(name);
        continue;
      }
      const handled = new Set([...state.ownEvents, ...inherited]);
      const unhandled = types.filter((it) => !handled.has(it));
      expect([name, unhandled.toSorted()]).toEqual([name, [...(IGNORED[name] ?? [])].toSorted()]);
    }
  });

  it('reaches every state', () => {
    const quiet = partitionReplicaMachine.provide({
      actions: { lead: () => {}, follow: () => {}, goOffline: () => {} },
      actors: {
        openLog: fromPromise(async () => {}),
        truncateLog: fromPromise(async () => {}),
        closeLog: fromPromise(async () => {}),
        deleteLog: fromPromise(async () => {}),
        setLogAside: fromPromise(async () => {}),
      },
    });
    type State = SnapshotFrom<typeof quiet>;
    const answers = (state: State) =>
      Object.values(state.children).flatMap((child) => [
        { type: `xstate.done.actor.${child!.id}`, output: undefined, actorId: child!.id },
        { type: `xstate.error.actor.${child!.id}`, error: new Error('disk'), actorId: child!.id },
        { type: `xstate.error.actor.${child!.id}`, error: damage(), actorId: child!.id },
      ]);
    const reached = new Set<string>();
    for (const first of [assignment(1, 1), null]) {
      const paths = getShortestPaths(quiet, {
        input: { key: KEY, nodeId: ONE, assignment: first },
        events: (state) => [...EVENTS, ...answers(state)] as ReplicaEvent[],
        serializeState: (state) => JSON.stringify([state.value, state.context]),
      });
      for (const { state } of paths) reached.add(nameOf(state.value));
    }
    // `assigning` lasts only without an assignment.
    expect([...reached].toSorted()).toEqual(
      [...leavesOf(quiet.root.states as unknown as StateNode['states'], [])]
        .map(([name]) => name)
        .toSorted(),
    );
  });
});
