import { createActor, fromPromise, type EventFromLogic, type SnapshotFrom } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { leaderEpoch, nodeId, offset, type NodeId } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { INCARNATION } from '../testing/ensemble.ts';
import { ManualClock } from '@odradek/ports/testing';
import type { ElectionState } from './election.ts';
import type { MemberEvent } from './quorum-member.events.ts';
import { quorumMemberMachine, roleOf } from './quorum-member.machine.ts';
import type { Voter } from './voters.ts';

const [ONE, TWO, THREE] = [nodeId(1), nodeId(2), nodeId(3)];
const epoch = leaderEpoch;
const FRESH: ElectionState = {
  epoch: epoch(4),
  leaderId: null,
  votedId: null,
  votedIncarnation: null,
};
const TIMEOUT_MS = 1000;

const voterOf = (id: NodeId): Voter => ({ id, incarnation: INCARNATION });

/** Node 1 of an ensemble, its effects written down, its disk answering when told to. */
function member(
  voters: readonly NodeId[],
  election: ElectionState = FRESH,
  { isDiskHeld = false, hasAnswered = (): boolean => false } = {},
) {
  const clock = new ManualClock();
  const effects: string[] = [];
  const persisted: ElectionState[] = [];
  const held: { done: () => void; failed: (error: Error) => void }[] = [];
  let isSearching = false;
  const note = (name: string) => (_: unknown, params: object) => {
    const {
      peers,
      epoch: at,
      leaderId,
    } = params as { peers?: readonly Voter[]; epoch: number; leaderId?: NodeId | null };
    effects.push(
      [name, at, peers?.map((it) => it.id).join(), leaderId]
        .filter((it) => it !== undefined)
        .join(' '),
    );
  };
  const machine = quorumMemberMachine.provide({
    delays: { electionTimeout: TIMEOUT_MS, fetchTimeout: 2 * TIMEOUT_MS },
    guards: { hasAnsweredMeanwhile: hasAnswered },
    actions: {
      sendPreVoteRequests: note('preVote?'),
      sendVoteRequests: note('vote?'),
      appendLeaderChange: note('leaderChange'),
      startLeading: note('leads'),
      stopLeading: note('leads no more'),
      startFetching: (_, params) => {
        isSearching = params.leaderId === null;
        if (!isSearching) note('fetches')(_, params);
      },
      stopFetching: (_, params) => {
        if (!isSearching) note('fetches no more')(_, params);
      },
      sendEndQuorumEpoch: note('ends'),
    },
    actors: {
      persistElection: fromPromise(({ input }) => {
        persisted.push(input);
        if (!isDiskHeld) return Promise.resolve();
        return new Promise<void>((done, failed) => held.push({ done, failed }));
      }),
      replayCommitted: fromPromise(() => Promise.resolve()),
      truncateLog: fromPromise(({ input }) => {
        effects.push(`cuts ${input.epoch} ${input.end}`);
        return Promise.resolve();
      }),
      installSnapshot: fromPromise(({ input }) => {
        effects.push(`installs ${input.epoch} ${input.leaderId} ${input.id.nextOffset}`);
        return Promise.resolve();
      }),
    },
  });
  const actor = createActor(machine, {
    clock,
    input: { nodeId: ONE, incarnation: INCARNATION, voters: voters.map(voterOf), election },
  });
  actor.start();
  return {
    actor,
    clock,
    effects,
    persisted,
    held,
    role: () => roleOf(actor.getSnapshot()),
    epoch: () => actor.getSnapshot().context.election.epoch,
    send: (event: MemberEvent) => actor.send(event),
    /** Lets the disk's answers come in. */
    settle: async () => {
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    },
  };
}

describe('a lone voter', () => {
  it('leads as soon as its vote is on disk, through all the states and without a timer', async () => {
    const one = member([ONE], FRESH, { isDiskHeld: true });
    expect(one.role()).toBe('candidate');
    expect(one.persisted).toEqual([
      { epoch: 5, leaderId: null, votedId: ONE, votedIncarnation: INCARNATION },
    ]);
    expect(one.effects).toEqual(['preVote? 4 ']);
    expect(one.clock.pendingTimers).toBe(0);
    one.held[0]!.done();
    await one.settle();
    expect(one.role()).toBe('leader');
    expect(one.effects.slice(1)).toEqual(['vote? 5 ', 'leaderChange 5']);
    expect(one.actor.getSnapshot().hasTag('acceptsProposals')).toBe(false);
    one.send({ type: 'epochStart.committed', epoch: epoch(5) });
    await one.settle();
    expect(one.actor.getSnapshot().hasTag('acceptsProposals')).toBe(true);
    expect(one.clock.pendingTimers).toBe(0);
  });

  it('fails when its vote cannot be written, and votes no more', async () => {
    const one = member([ONE], FRESH, { isDiskHeld: true });
    one.held[0]!.failed(new Error('disk is gone'));
    await one.settle();
    expect(one.role()).toBe('failed');
    expect(one.actor.getSnapshot().context.failure).toBe('disk is gone');
    one.clock.advance(60_000);
    expect(one.persisted).toHaveLength(1);
  });

  it('fails with its log, and gives up what waits', async () => {
    const one = member([ONE]);
    await one.settle();
    one.send({ type: 'log.failed', reason: 'fdatasync' });
    expect(one.role()).toBe('failed');
    expect(one.effects.at(-1)).toBe('leads no more 5');
  });

  it('resigns when it is shut down', async () => {
    const one = member([ONE]);
    await one.settle();
    one.send({ type: 'shutdown.requested' });
    expect(one.role()).toBe('resigned');
    expect(one.effects.slice(-2)).toEqual(['leads no more 5', 'ends 5 ']);
  });
});

describe('one voter of three', () => {
  const elected = async () => {
    const one = member([ONE, TWO, THREE]);
    one.clock.advance(TIMEOUT_MS);
    one.send({ type: 'preVote.granted', epoch: epoch(4), from: TWO });
    await one.settle();
    one.send({ type: 'vote.granted', epoch: epoch(5), from: THREE });
    return one;
  };

  it('asks before it disturbs, is elected by a majority, and opens its epoch', async () => {
    const one = member([ONE, TWO, THREE]);
    expect(one.role()).toBe('unattached');
    one.clock.advance(TIMEOUT_MS);
    expect(one.role()).toBe('prospective');
    expect([one.epoch(), one.persisted.length]).toEqual([4, 0]);
    one.send({ type: 'preVote.granted', epoch: epoch(4), from: TWO });
    expect([one.role(), one.epoch()]).toEqual(['candidate', 5]);
    await one.settle();
    one.send({ type: 'vote.granted', epoch: epoch(5), from: TWO });
    expect(one.role()).toBe('leader');
    expect(one.effects).toEqual(['preVote? 4 2,3', 'vote? 5 2,3', 'leaderChange 5']);
  });

  it('that finds no leader when it starts stands at once, and later waits for its timeout', () => {
    const one = member([ONE, TWO, THREE]);
    one.send({ type: 'leader.missing' });
    expect(one.role()).toBe('prospective');
    for (const from of [TWO, THREE]) one.send({ type: 'preVote.refused', epoch: epoch(4), from });
    one.send({ type: 'leader.missing' });
    expect(one.role()).toBe('unattached');
    one.clock.advance(TIMEOUT_MS);
    expect(one.role()).toBe('prospective');
  });

  it('does not count a vote before its own is on disk, nor ask for one', async () => {
    const one = member([ONE, TWO, THREE], FRESH, { isDiskHeld: true });
    one.clock.advance(TIMEOUT_MS);
    one.send({ type: 'preVote.granted', epoch: epoch(4), from: TWO });
    one.send({ type: 'vote.granted', epoch: epoch(5), from: TWO });
    one.clock.advance(60_000);
    expect(one.role()).toBe('candidate');
    expect(one.effects).toEqual(['preVote? 4 2,3']);
  });

  it('does not count one voter twice, a stranger, or an answer of another epoch', async () => {
    const one = member([ONE, TWO, THREE, nodeId(4), nodeId(5)]);
    one.clock.advance(TIMEOUT_MS);
    for (const from of [TWO, TWO, nodeId(9)])
      one.send({ type: 'preVote.granted', epoch: epoch(4), from });
    one.send({ type: 'preVote.granted', epoch: epoch(3), from: THREE });
    expect(one.role()).toBe('prospective');
    one.send({ type: 'preVote.granted', epoch: epoch(4), from: THREE });
    await one.settle();
    for (const from of [TWO, TWO, nodeId(9)])
      one.send({ type: 'vote.granted', epoch: epoch(5), from });
    one.send({ type: 'vote.granted', epoch: epoch(4), from: THREE });
    expect(one.role()).toBe('candidate');
    one.send({ type: 'vote.granted', epoch: epoch(5), from: THREE });
    expect(one.role()).toBe('leader');
  });

  it('waits again when the others would not elect it, in the same epoch', () => {
    const one = member([ONE, TWO, THREE]);
    one.clock.advance(TIMEOUT_MS);
    one.send({ type: 'preVote.refused', epoch: epoch(4), from: TWO });
    one.send({ type: 'preVote.refused', epoch: epoch(4), from: THREE });
    expect([one.role(), one.epoch()]).toEqual(['unattached', 4]);
    one.clock.advance(TIMEOUT_MS);
    expect(one.role()).toBe('prospective');
    one.clock.advance(TIMEOUT_MS);
    expect([one.role(), one.epoch()]).toEqual(['unattached', 4]);
  });

  it('that loses waits, one that hears nothing asks anew, and it stands in a newer epoch', async () => {
    const one = member([ONE, TWO, THREE]);
    const stand = async () => {
      one.send({ type: 'preVote.granted', epoch: one.epoch(), from: TWO });
      await one.settle();
    };
    one.clock.advance(TIMEOUT_MS);
    await stand();
    for (const from of [TWO, THREE]) one.send({ type: 'vote.refused', epoch: epoch(5), from });
    expect([one.role(), one.epoch()]).toEqual(['unattached', 5]);
    one.clock.advance(TIMEOUT_MS);
    expect([one.role(), one.epoch()]).toEqual(['prospective', 5]);
    await stand();
    expect([one.role(), one.epoch()]).toEqual(['candidate', 6]);
    one.clock.advance(TIMEOUT_MS);
    expect([one.role(), one.epoch()]).toEqual(['prospective', 6]);
    expect(one.persisted.map((it) => it.epoch)).toEqual([5, 6]);
  });

  it('follows a leader that it hears of, once that is on disk', async () => {
    const one = member([ONE, TWO, THREE], FRESH, { isDiskHeld: true });
    one.send({ type: 'leader.discovered', epoch: epoch(7), leaderId: TWO });
    expect(one.role()).toBe('unattached');
    expect(one.persisted).toEqual([
      { epoch: 7, leaderId: TWO, votedId: null, votedIncarnation: null },
    ]);
    one.held[0]!.done();
    await one.settle();
    expect(one.role()).toBe('follower');
    expect(one.effects).toEqual(['fetches 7 2']);
  });

  it('keeps its vote when the leader of that epoch turns out to be another', async () => {
    const one = member([ONE, TWO, THREE]);
    one.clock.advance(TIMEOUT_MS);
    one.send({ type: 'preVote.granted', epoch: epoch(4), from: TWO });
    await one.settle();
    one.send({ type: 'leader.discovered', epoch: epoch(5), leaderId: THREE });
    await one.settle();
    expect(one.role()).toBe('follower');
    expect(one.persisted.at(-1)).toEqual({
      epoch: 5,
      leaderId: THREE,
      votedId: ONE,
      votedIncarnation: INCARNATION,
    });
  });

  it('that follows asks for votes when its leader is silent, and goes back to it when the others hear it', async () => {
    const one = member([ONE, TWO, THREE]);
    one.send({ type: 'leader.discovered', epoch: epoch(7), leaderId: TWO });
    await one.settle();
    one.clock.advance(1900);
    one.send({ type: 'fetch.succeeded', epoch: epoch(7) });
    one.clock.advance(1900);
    expect(one.role()).toBe('follower');
    one.clock.advance(100);
    expect([one.role(), one.epoch()]).toEqual(['prospective', 7]);
    for (const from of [TWO, THREE]) one.send({ type: 'preVote.refused', epoch: epoch(7), from });
    expect(one.role()).toBe('follower');
    expect(one.effects).toEqual([
      'fetches 7 2',
      'fetches no more 7',
      'preVote? 7 2,3',
      'fetches 7 2',
    ]);
  });

  it('that follows waits on when its leader has answered while it waited', async () => {
    let hasAnswered = true;
    const one = member([ONE, TWO, THREE], FRESH, { hasAnswered: () => hasAnswered });
    one.send({ type: 'leader.discovered', epoch: epoch(7), leaderId: TWO });
    await one.settle();
    one.clock.advance(3900);
    expect(one.role()).toBe('follower');
    hasAnswered = false;
    one.clock.advance(100);
    expect([one.role(), one.effects]).toEqual([
      'prospective',
      ['fetches 7 2', 'fetches no more 7', 'preVote? 7 2,3'],
    ]);
  });

  it('that leads gives way to a newer epoch, and not to an older one', async () => {
    const one = await elected();
    one.send({ type: 'epoch.observed', epoch: epoch(5) });
    one.send({ type: 'leader.discovered', epoch: epoch(4), leaderId: TWO });
    one.send({ type: 'leader.discovered', epoch: epoch(5), leaderId: TWO });
    expect(one.role()).toBe('leader');
    one.send({ type: 'epoch.observed', epoch: epoch(6) });
    await one.settle();
    expect([one.role(), one.epoch()]).toEqual(['unattached', 6]);
    expect(one.effects.at(-1)).toBe('leads no more 5');
    expect(one.persisted.at(-1)).toEqual({
      epoch: 6,
      leaderId: null,
      votedId: null,
      votedIncarnation: null,
    });
  });

  it('takes a still newer epoch while one is being written', async () => {
    const one = member([ONE, TWO, THREE], FRESH, { isDiskHeld: true });
    one.send({ type: 'epoch.observed', epoch: epoch(6) });
    one.send({ type: 'leader.discovered', epoch: epoch(7), leaderId: THREE });
    one.held[0]!.done();
    await one.settle();
    expect(one.role()).toBe('unattached');
    one.held[1]!.done();
    await one.settle();
    expect([one.role(), one.epoch()]).toEqual(['follower', 7]);
    expect(one.persisted.map((it) => it.epoch)).toEqual([6, 7]);
  });

  it('starts where it stopped: with the leader that it followed', () => {
    const one = member([ONE, TWO, THREE], { ...FRESH, leaderId: THREE });
    expect(one.role()).toBe('follower');
  });
});

describe('an observer', () => {
  it('follows whoever leads, and never stands', async () => {
    const one = member([TWO, THREE, nodeId(4)]);
    one.clock.advance(60_000);
    expect([one.role(), one.epoch()]).toEqual(['observer', 4]);
    one.send({ type: 'leader.discovered', epoch: epoch(7), leaderId: TWO });
    await one.settle();
    one.clock.advance(1900);
    one.send({ type: 'fetch.succeeded', epoch: epoch(7) });
    one.clock.advance(2000);
    expect(one.role()).toBe('observer');
    expect(one.effects).toEqual([
      'fetches 7 2',
      'fetches no more 7',
      'fetches 7 2',
      'fetches no more 7',
    ]);
    // It lost the leader, and takes the same one again.
    one.send({ type: 'leader.discovered', epoch: epoch(7), leaderId: TWO });
    await one.settle();
    expect(one.effects.at(-1)).toBe('fetches 7 2');
  });
});

const EVENTS: readonly MemberEvent['type'][] = [
  'preVote.granted',
  'preVote.refused',
  'vote.granted',
  'vote.refused',
  'vote.requested',
  'epoch.observed',
  'leader.discovered',
  'leader.left',
  'leader.lost',
  'leader.missing',
  'fetch.succeeded',
  'divergence.found',
  'snapshot.required',
  'epochStart.committed',
  'majority.lost',
  'resignation.requested',
  'voters.changed',
  'log.failed',
  'shutdown.requested',
];
/** Facts of a part that a member has given up, or has not taken up. */
const FOLLOWING = [
  'leader.left',
  'leader.lost',
  'fetch.succeeded',
  'divergence.found',
  'snapshot.required',
] as const;
const LEADING = ['epochStart.committed', 'majority.lost', 'resignation.requested'] as const;
const ANSWERS = ['preVote.granted', 'preVote.refused', 'vote.granted', 'vote.refused'] as const;
const EVERYTHING = EVENTS;

/** What each state passes over on purpose; everything else it handles, itself or by its parents. */
const IGNORED: Readonly<Record<string, readonly MemberEvent['type'][]>> = {
  // Left at once.
  joining: [...ANSWERS, ...FOLLOWING, ...LEADING],
  // Late answers to elections that are over.
  unattached: [...ANSWERS, ...FOLLOWING, ...LEADING],
  prospective: [
    'vote.granted',
    'vote.refused',
    ...FOLLOWING.filter((it) => it !== 'leader.left'),
    ...LEADING,
  ],
  // Nobody was asked yet.
  'candidate.persistingVote': [...ANSWERS, ...FOLLOWING, ...LEADING],
  'candidate.collectingVotes': ['preVote.granted', 'preVote.refused', ...FOLLOWING, ...LEADING],
  'leader.committingEpochStart': [...ANSWERS, ...FOLLOWING],
  // Told once is enough.
  'leader.replaying': [...ANSWERS, ...FOLLOWING, 'epochStart.committed'],
  'leader.active': [...ANSWERS, ...FOLLOWING, 'epochStart.committed'],
  'follower.fetching.waiting': [...ANSWERS, ...LEADING],
  // What was fetched before does not matter: the next fetch says it again.
  'follower.truncating': [
    ...ANSWERS,
    ...LEADING,
    'fetch.succeeded',
    'divergence.found',
    'snapshot.required',
  ],
  'follower.installingSnapshot': [
    ...ANSWERS,
    ...LEADING,
    'fetch.succeeded',
    'divergence.found',
    'snapshot.required',
  ],
  'observer.searching': [...ANSWERS, ...FOLLOWING, ...LEADING],
  'observer.following.fetching.waiting': [...ANSWERS, ...LEADING],
  'observer.following.truncating': [
    ...ANSWERS,
    ...LEADING,
    'fetch.succeeded',
    'divergence.found',
    'snapshot.required',
  ],
  'observer.following.installingSnapshot': [
    ...ANSWERS,
    ...LEADING,
    'fetch.succeeded',
    'divergence.found',
    'snapshot.required',
  ],
  persistingEpoch: [...ANSWERS, ...FOLLOWING, ...LEADING],
  resigned: [...ANSWERS, ...FOLLOWING, ...LEADING],
  retired: EVERYTHING,
  closed: EVERYTHING,
  failed: EVERYTHING,
};

interface Node {
  readonly key: string;
  readonly type: string;
  readonly path: readonly string[];
  readonly parent?: Node | undefined;
  readonly states: Readonly<Record<string, Node>>;
  readonly transitions: ReadonlyMap<string, unknown>;
}

const leaves = (node: Node): Node[] => {
  const children = Object.values(node.states);
  return children.length === 0 ? [node] : children.flatMap(leaves);
};

describe('the machine as a whole', () => {
  const atoms = leaves(quorumMemberMachine.root as unknown as Node);

  it('handles or passes over every event in every state, and says which', () => {
    expect(Object.keys(IGNORED).sort()).toEqual(atoms.map((it) => it.path.join('.')).sort());
    for (const atom of atoms) {
      const handled = new Set<string>();
      // A final state ends the machine: its parents' transitions are no more.
      for (
        let node: Node | undefined = atom.type === 'final' ? undefined : atom;
        node !== undefined;
        node = node.parent
      ) {
        for (const type of node.transitions.keys()) handled.add(type);
      }
      const name = atom.path.join('.');
      // Only who waits for a leader can miss one.
      const ignored =
        name === 'unattached' ? IGNORED[name]! : [...IGNORED[name]!, 'leader.missing'];
      expect(
        EVENTS.filter((type) => !handled.has(type)),
        `${name}`,
      ).toEqual(EVENTS.filter((type) => ignored.includes(type)));
    }
  });

  it('reaches every state', () => {
    type Snapshot = SnapshotFrom<typeof quorumMemberMachine>;
    type Event = EventFromLogic<typeof quorumMemberMachine>;
    const reached = new Set<string>();
    for (const voters of [[ONE, TWO, THREE], [ONE], [TWO]]) {
      const paths = getShortestPaths(quorumMemberMachine, {
        input: {
          nodeId: ONE,
          incarnation: INCARNATION,
          voters: voters.map(voterOf),
          election: FRESH,
        },
        // The epoch grows without end; which states there are does not depend on it.
        serializeState: (state) =>
          JSON.stringify([state.value, (state as Snapshot).context.election.leaderId]),
        events: (state: Snapshot) => {
          const current = state.context.election.epoch;
          const own: MemberEvent[] = [
            { type: 'preVote.granted', epoch: current, from: TWO },
            { type: 'vote.granted', epoch: current, from: TWO },
            { type: 'epoch.observed', epoch: epoch(current + 1) },
            { type: 'leader.discovered', epoch: epoch(current + 1), leaderId: TWO },
            { type: 'epochStart.committed', epoch: current },
            { type: 'resignation.requested' },
            { type: 'divergence.found', epoch: current, end: offset(1) },
            {
              type: 'snapshot.required',
              epoch: current,
              id: { nextOffset: offset(9), epoch: current },
            },
            { type: 'log.failed', reason: 'a test' },
            { type: 'shutdown.requested' },
          ];
          const inner = state._nodes
            .flatMap((node) => [...node.transitions.keys()])
            .filter((type) => type.startsWith('xstate.'));
          return [...own, ...inner.map((type) => ({ type, error: 'a test' }))] as Event[];
        },
      });
      for (const { state } of paths)
        for (const node of (state as Snapshot)._nodes) reached.add(node.path.join('.'));
    }
    // `joining` is passed through, never stood in.
    expect(atoms.map((it) => it.path.join('.')).filter((name) => !reached.has(name))).toEqual([
      'joining',
    ]);
  });
});
