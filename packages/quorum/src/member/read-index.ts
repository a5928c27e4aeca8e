/**
 * Whether this leader is one still, asked of the voters themselves: BeginQuorumEpoch, to which a voter in a newer epoch says
 * so (Raft, section 6.4, with KRaft's own message). A majority that was asked after the question came up, and knows of no
 * newer epoch, proves that nobody else had committed anything until then.
 *
 * Questions that come while a round is out wait for the next one, together.
 */
import type { Clock } from '@odradek/ports';
import { ErrorCode, leaderEpoch, type LeaderEpoch, type NodeId } from '@odradek/protocol';
import { holdsMajority, isOutvoted } from './election.ts';
import { beginQuorumEpochRequestOf, leaderOrNull, partitionOf } from './messages.ts';
import type { QuorumPeers } from './peers.ts';
import type { ReplicaKey } from './replica-progress.ts';
import { idsOf, isVoterIn, type VoterSet } from './voters.ts';
import { withTimeout } from './waiting.ts';

export interface ConfirmationOptions {
  readonly self: ReplicaKey;
  readonly epoch: LeaderEpoch;
  readonly clusterId: () => string | null;
  readonly voters: () => VoterSet;
  readonly peers: QuorumPeers;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly standing: (epoch: LeaderEpoch, leaderId: NodeId | null) => void;
}

export class Confirmation {
  readonly #options: ConfirmationOptions;
  #round: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;

  constructor(options: ConfirmationOptions) {
    this.#options = options;
  }

  /** By a round that begins now or later. False: nobody knows. */
  confirm(): Promise<boolean> {
    if (this.#round === undefined) {
      this.#round = this.#ask().finally(() => (this.#round = undefined));
      return this.#round;
    }
    this.#next ??= this.#round.then(() => {
      this.#next = undefined;
      return this.confirm();
    });
    return this.#next;
  }

  #ask(): Promise<boolean> {
    const { self, voters } = this.#options;
    const set = voters();
    const ids = idsOf(set);
    const granted = isVoterIn(set, self.id, self.incarnation) ? [self.id] : [];
    const refused: NodeId[] = [];
    return new Promise((resolve) => {
      const count = (): void => {
        if (holdsMajority(granted, ids)) resolve(true);
        else if (isOutvoted(refused, ids)) resolve(false);
      };
      count();
      for (const voter of set) {
        if (voter.id === self.id) continue;
        this.#acknowledged(voter).then(
          (isAcknowledged) => {
            (isAcknowledged ? granted : refused).push(voter.id);
            count();
          },
          () => {
            refused.push(voter.id);
            count();
          },
        );
      }
    });
  }

  async #acknowledged(voter: VoterSet[number]): Promise<boolean> {
    const { self, epoch, clusterId, peers, clock, requestTimeoutMs, standing } = this.#options;
    const request = beginQuorumEpochRequestOf(clusterId(), voter, { id: self.id, epoch });
    const answer = await withTimeout(
      clock,
      peers.beginQuorumEpoch(voter.id, request),
      requestTimeoutMs,
    );
    const partition = partitionOf(answer);
    if (partition === undefined) return false;
    standing(leaderEpoch(partition.leaderEpoch), leaderOrNull(partition.leaderId));
    return partition.errorCode === ErrorCode.NONE;
  }
}
