/**
 * A broker's wishes about the ISRs of the partitions that it leads, on their way to the controller (AlterPartition): one
 * request is under way, and what is wished meanwhile goes with the next, so that a thousand partitions cost one round trip.
 * What the controller could not look at is tried again, after a pause; what it refused is the leader's affair.
 *
 * Of one partition only the newest wish counts: an older one of another registration would be refused anyway.
 */
import type { Clock, Logger } from '@odradek/ports';
import {
  ErrorCode,
  leaderEpoch,
  nodeId,
  type AlterPartitionResponse,
  type Input,
  type NodeId,
  type Uuid,
  type alterPartitionRequest,
} from '@odradek/protocol';
import type { IsrAnswer, IsrProposal } from './cluster-view.ts';
import { partitionKey } from './fetcher/follower-session.ts';

/** Partitions in one request; the others wait for the next. */
const PARTITIONS_PER_REQUEST_MAX = 4_000;
const RETRY_PAUSE_MS = 50;

export interface IsrProposalsOptions {
  readonly nodeId: NodeId;
  readonly brokerEpoch: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** To the controller, wherever it is now. Rejects when no answer came. */
  readonly send: (request: Input<typeof alterPartitionRequest>) => Promise<AlterPartitionResponse>;
}

interface Pending {
  readonly proposal: IsrProposal;
  readonly answered: (answer: IsrAnswer) => void;
  isAmbiguous: boolean;
}

export class IsrProposals {
  readonly #options: IsrProposalsOptions;
  readonly #pending = new Map<string, Pending>();
  #isSending = false;
  #isStopped = false;
  #pause: ReturnType<Clock['setTimeout']> | undefined;

  constructor(options: IsrProposalsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  propose(proposal: IsrProposal, answered: (answer: IsrAnswer) => void): void {
    const key = partitionKey(proposal.topicId, proposal.partition);
    this.#pending.set(key, { proposal, answered, isAmbiguous: false });
    // With what else is wished in this turn.
    if (!this.#isSending && this.#pause === undefined) {
      this.#isSending = true;
      void Promise.resolve().then(() => this.#sendAll());
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#pending.clear();
    if (this.#pause !== undefined) this.#options.clock.clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    this.#pause = undefined;
    while (this.#pending.size > 0 && !this.#isStopped) {
      const isAnswered = await this.#sendOnce();
      if (!isAnswered && !this.#isStopped) {
        this.#pause = this.#options.clock.setTimeout(() => void this.#sendAll(), RETRY_PAUSE_MS);
        break;
      }
    }
    this.#isSending = false;
  }

  /** False: something is to be tried again, not at once. */
  async #sendOnce(): Promise<boolean> {
    const { send, nodeId: brokerId, brokerEpoch, logger } = this.#options;
    const batch = [...this.#pending].slice(0, PARTITIONS_PER_REQUEST_MAX);
    let response: AlterPartitionResponse;
    try {
      response = await send({ brokerId, brokerEpoch: brokerEpoch(), topics: topicsOf(batch) });
    } catch (error) {
      for (const [, pending] of batch) pending.isAmbiguous = true;
      logger.debug('the controller did not answer about the ISR', { error });
      return false;
    }
    if (response.errorCode !== ErrorCode.NONE) return this.#refusedAll(response.errorCode, batch);
    let isAnswered = true;
    const answers = new Map(
      response.topics.flatMap(({ topicId, partitions }) =>
        partitions.map((it) => [partitionKey(topicId, it.partitionIndex), it] as const),
      ),
    );
    for (const [key, pending] of batch) {
      const answer = answers.get(key);
      if (answer === undefined || RETRIED.has(answer.errorCode)) {
        isAnswered = false;
        continue;
      }
      // A newer wish may have taken its place.
      if (this.#pending.get(key) !== pending) continue;
      this.#pending.delete(key);
      const { errorCode } = answer;
      if (errorCode !== ErrorCode.NONE) {
        pending.answered({ errorCode, isAmbiguous: pending.isAmbiguous });
        continue;
      }
      pending.answered({
        errorCode,
        leader: nodeId(answer.leaderId),
        leaderEpoch: leaderEpoch(answer.leaderEpoch),
        isr: answer.isr.map(nodeId),
        partitionEpoch: answer.partitionEpoch,
      });
    }
    return isAnswered;
  }

  /** The request as a whole: mostly the controller is elsewhere by now, or this broker is registering anew. */
  #refusedAll(errorCode: ErrorCode, batch: readonly (readonly [string, Pending])[]): boolean {
    if (errorCode === ErrorCode.REQUEST_TIMED_OUT) {
      // It may yet be committed.
      for (const [, pending] of batch) pending.isAmbiguous = true;
    }
    this.#options.logger.debug('the controller refused to look at the ISR', { errorCode });
    return false;
  }
}

const RETRIED: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.UNKNOWN_SERVER_ERROR,
]);

const topicsOf = (
  batch: readonly (readonly [string, Pending])[],
): Input<typeof alterPartitionRequest>['topics'] => {
  type Partition = Input<typeof alterPartitionRequest>['topics'][number]['partitions'][number];
  const topics = new Map<Uuid, Partition[]>();
  for (const [, { proposal }] of batch) {
    const { topicId, partition, isr } = proposal;
    const asked: Partition = {
      partitionIndex: partition,
      leaderEpoch: proposal.leaderEpoch,
      newIsr: isr.map((it) => it.brokerId),
      newIsrWithEpochs: isr,
      partitionEpoch: proposal.partitionEpoch,
    };
    const of = topics.get(topicId);
    if (of === undefined) topics.set(topicId, [asked]);
    else of.push(asked);
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }));
};
