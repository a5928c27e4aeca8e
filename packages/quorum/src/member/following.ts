/** A follower's or observer's part: a fetcher for each leader that it has, or for the time in which it looks for one. */
import type { LeaderEpoch, NodeId } from '@odradek/protocol';
import { asError } from '../errors.ts';
import { HESITATION_FACTOR } from '../limits.ts';
import { truncationOffset } from './alignment.ts';
import { Fetcher, type FetcherEvents } from './fetcher.ts';
import type { FollowedLog } from './followed-log.ts';
import type { MemberCore } from './member-core.ts';
import { idsOf } from './voters.ts';

export class Following {
  readonly #core: MemberCore;
  readonly #followed: FollowedLog;
  #fetcher: Fetcher | undefined;
  /** When fetching began, or the leader last answered. */
  #heardMs = -Infinity;

  constructor(core: MemberCore, followed: FollowedLog) {
    this.#core = core;
    this.#followed = followed;
  }

  /** The last question had no good answer. */
  get isFailing(): boolean {
    return this.#fetcher?.isFailing === true;
  }

  /** Until its leader has been silent for too long; 0 or less: it has. */
  get msUntilSilent(): number {
    const { clock, fetchTimeoutMs } = this.#core;
    return this.#heardMs + fetchTimeoutMs - clock.monotonicMs();
  }

  /** From the leader; without one, from everybody in turn, to hear of one. */
  start(epoch: LeaderEpoch, leaderId: NodeId | null): void {
    const core = this.#core;
    const { nodeId, voters, random } = core.options;
    const fetcher = new Fetcher(
      {
        clusterId: core.clusterId,
        nodeId,
        incarnation: core.self.incarnation,
        peers: core.peers,
        clock: core.clock,
        random,
        logger: core.logger,
        requestTimeoutMs: core.requestTimeoutMs,
        logEnd: core.logEnd,
        flushed: () => this.#followed.unflushed(),
        highWatermark: () => core.highWatermark,
        candidates: () =>
          [...new Set([...voters, ...idsOf(core.voters.latest)])].filter((id) => id !== nodeId),
        voters: () => idsOf(core.voters.latest),
        hesitationMsMax: Math.ceil(core.electionTimeoutMs * HESITATION_FACTOR),
        append: (records) => this.#followed.append(records),
        heard: this.#heardIn(epoch),
      },
      epoch,
    );
    this.#fetcher = fetcher;
    this.#heardMs = core.clock.monotonicMs();
    core.committed.leaderChanged();
    const fetching = leaderId === null ? fetcher.search() : this.#follow(fetcher, epoch, leaderId);
    fetching.catch((error: unknown) => core.fail(asError(error)));
  }

  stop(): void {
    this.#fetcher?.stop();
  }

  #heardIn(epoch: LeaderEpoch): FetcherEvents {
    const core = this.#core;
    return {
      answered: () => {
        this.#heardMs = core.clock.monotonicMs();
        // The first answer matters to the machine; of the others it asks when its timer is up.
        if (!core.actor.getSnapshot().context.hasHeardLeader)
          core.tell({ type: 'fetch.succeeded', epoch });
      },
      committed: (highWatermark) => this.#followed.committedTo(highWatermark),
      diverged: (end) =>
        core.tell({ type: 'divergence.found', epoch, end: truncationOffset(core.log, end) }),
      snapshotRequired: (id) => core.tell({ type: 'snapshot.required', epoch, id }),
      standing: core.hearStanding,
      leaderLeft: () => core.tell({ type: 'leader.left', epoch, isSuccessor: false }),
      unreachable: () => core.tell({ type: 'leader.lost', epoch }),
      leaderMissing: () => core.tell({ type: 'leader.missing' }),
    };
  }

  async #follow(fetcher: Fetcher, epoch: LeaderEpoch, leaderId: NodeId): Promise<void> {
    const core = this.#core;
    await this.#followed.work.catch(() => {});
    if (core.log.latestEpoch < epoch && core.mutants.has('truncateToHighWatermark'))
      await this.#followed.truncate(epoch, core.highWatermark);
    await fetcher.follow(leaderId);
  }
}
