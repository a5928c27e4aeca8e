/** What a simulation's observer is told of the metadata log, which is a partition like any other. */
import type { BrokerObserver } from '@odradek/ports';
import type { LeaderEpoch, Offset } from '@odradek/protocol';
import type { ElectionState } from './election.ts';
import { METADATA_TOPIC } from './quorum-member.types.ts';
import type { ReplicaKey } from './replica-progress.ts';

export class Observation {
  readonly #self: ReplicaKey;
  readonly #observer: BrokerObserver | undefined;

  constructor(self: ReplicaKey, observer: BrokerObserver | undefined) {
    this.#self = self;
    this.#observer = observer;
  }

  /** When it is on the disk. */
  voteGranted(written: Promise<void>, { epoch, votedId }: ElectionState): void {
    const observer = this.#observer;
    if (observer === undefined || votedId === null) return;
    const { id, incarnation } = this.#self;
    written.then(
      () => observer.voteGranted?.({ nodeId: id, incarnation, epoch, candidateId: votedId }),
      () => {},
    );
  }

  highWatermarkMoved(epoch: LeaderEpoch, highWatermark: Offset, isLeader: boolean): void {
    this.#observer?.highWatermarkMoved?.({ ...this.#facts(epoch), highWatermark, isLeader });
  }

  leaderBecame(epoch: LeaderEpoch, logEndOffset: Offset): void {
    this.#observer?.leaderBecame?.({ ...this.#facts(epoch), logEndOffset });
  }

  #facts(leaderEpoch: LeaderEpoch) {
    return { nodeId: this.#self.id, topic: METADATA_TOPIC, partition: 0, leaderEpoch };
  }
}
