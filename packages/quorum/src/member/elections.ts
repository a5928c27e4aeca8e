/**
 * What a member asks of the others when it wants to lead, leads, or leads no more. Requests go out together, and what comes
 * back is told to the machine as a fact; silence is told by its timeouts. Nothing is repeated here but the announcement of
 * an epoch, which the leader repeats until everybody fetches.
 */
import type { Clock } from '@odradek/ports';
import {
  leaderEpoch,
  type EndQuorumEpochRequest,
  type LeaderEpoch,
  type NodeId,
  type Offset,
} from '@odradek/protocol';
import { FAREWELL_MS } from '../limits.ts';
import type { LogEnd } from './election.ts';
import {
  beginQuorumEpochRequestOf,
  endQuorumEpochRequestOf,
  leaderOrNull,
  partitionOf,
  voteRequestOf,
} from './messages.ts';
import type { QuorumPeers } from './peers.ts';
import type { MemberEvent } from './quorum-member.events.ts';
import type { ReplicaKey } from './replica-progress.ts';
import type { Voter, VoterSet } from './voters.ts';
import { withTimeout } from './waiting.ts';

export interface ElectionsOptions {
  readonly self: ReplicaKey;
  readonly clusterId: () => string | null;
  readonly peers: QuorumPeers;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly logEnd: () => LogEnd;
  readonly tell: (event: MemberEvent) => void;
  /** An answer names an epoch and, maybe, who leads in it. */
  readonly standing: (epoch: LeaderEpoch, leaderId: NodeId | null) => void;
}

interface Answered {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly {
      readonly partitionIndex: number;
      readonly leaderId: number;
      readonly leaderEpoch: number;
    }[];
  }[];
}

export class Elections {
  readonly #options: ElectionsOptions;
  #endOffsetOf: (voter: Voter) => Offset = () => 0 as Offset;
  #farewells: Promise<unknown> = Promise.resolve();

  constructor(options: ElectionsOptions) {
    this.#options = options;
  }

  askForPreVotes(epoch: LeaderEpoch, voters: VoterSet): void {
    for (const voter of voters) {
      void this.#ask(voter, epoch, true).then((isGranted) => {
        if (isGranted === undefined) return;
        const type = isGranted ? 'preVote.granted' : 'preVote.refused';
        this.#options.tell({ type, epoch, from: voter.id });
      });
    }
  }

  askForVotes(epoch: LeaderEpoch, voters: VoterSet): void {
    for (const voter of voters) {
      void this.#ask(voter, epoch, false).then((isGranted) => {
        if (isGranted === undefined) return;
        const type = isGranted ? 'vote.granted' : 'vote.refused';
        this.#options.tell({ type, epoch, from: voter.id });
      });
    }
  }

  /** Undefined: no answer. */
  async #ask(voter: Voter, epoch: LeaderEpoch, isPreVote: boolean): Promise<boolean | undefined> {
    const { self, clusterId, peers, logEnd } = this.#options;
    const { lastEpoch, endOffset } = logEnd();
    const request = voteRequestOf({
      clusterId: clusterId(),
      voter,
      candidate: self,
      epoch,
      lastEpoch,
      endOffset,
      isPreVote,
    });
    const answer = await this.#answer(peers.vote(voter.id, request));
    if (answer === undefined) return undefined;
    return partitionOf(answer)?.voteGranted ?? false;
  }

  announce(epoch: LeaderEpoch, voters: VoterSet): void {
    const { self, clusterId, peers } = this.#options;
    for (const voter of voters) {
      const request = beginQuorumEpochRequestOf(clusterId(), voter, { id: self.id, epoch });
      void this.#answer(peers.beginQuorumEpoch(voter.id, request));
    }
  }

  rankSuccessors(endOffsetOf: (voter: Voter) => Offset): void {
    this.#endOffsetOf = endOffsetOf;
  }

  leave(epoch: LeaderEpoch, voters: VoterSet): void {
    const { self, clusterId, peers, clock } = this.#options;
    const successors = [...voters].sort((a, b) => this.#endOffsetOf(b) - this.#endOffsetOf(a));
    const request: EndQuorumEpochRequest = endQuorumEpochRequestOf(
      clusterId(),
      { id: self.id, epoch },
      successors,
    );
    const sent = voters.map((voter) =>
      withTimeout(clock, peers.endQuorumEpoch(voter.id, request), FAREWELL_MS).then(
        (answer) => this.#hear(answer),
        () => {},
      ),
    );
    this.#farewells = Promise.all(sent);
  }

  /** The others have heard that this member leaves, or will not. */
  async farewell(): Promise<void> {
    await this.#farewells;
  }

  async #answer<A extends Answered>(asked: Promise<A>): Promise<A | undefined> {
    const { clock, requestTimeoutMs } = this.#options;
    try {
      const answer = await withTimeout(clock, asked, requestTimeoutMs);
      this.#hear(answer);
      return answer;
    } catch {
      return undefined;
    }
  }

  #hear(answer: Answered): void {
    const partition = partitionOf(answer);
    if (partition === undefined) return;
    this.#options.standing(leaderEpoch(partition.leaderEpoch), leaderOrNull(partition.leaderId));
  }
}
