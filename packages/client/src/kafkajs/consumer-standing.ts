/**
 * How a run stands in its group: whether it is a member now, and under which assignment; and what an application is told when that changes.
 * What was taken under one assignment counts for nothing under the next.
 */
import type { AbortSignalLike } from '@odradek/ports';
import type { Consumer } from '../consumer/consumer.ts';
import { groupByTopic } from '../consumer/topic-partition.ts';
import { consumerEvents } from './constants.ts';
import type { RunOptions } from './run-options.ts';

export class ConsumerStanding<B extends Uint8Array> {
  readonly #options: RunOptions<B>;
  /** Before an application hears of it. */
  readonly #onJoined: (topicsNotSubscribed: readonly string[]) => void;
  /** Counts assignments. */
  assignment = 0;
  isStable = false;

  constructor(options: RunOptions<B>, onJoined: (topicsNotSubscribed: readonly string[]) => void) {
    this.#options = options;
    this.#onJoined = onJoined;
  }

  /** Resolves when it is a member for the first time, or at the signal; rejects when it cannot be one. */
  joined(consumer: Consumer, stopping: AbortSignalLike): Promise<void> {
    const { host, emitter, logger, groupId } = this.#options;
    let sinceMs = host.clock.monotonicMs();
    return new Promise((resolve, reject) => {
      stopping.addEventListener('abort', () => resolve());
      consumer.membership!.subscribe((snapshot) => {
        if (snapshot.hasTag('failed')) reject(snapshot.context.error);
        const isStable = snapshot.hasTag('stable');
        if (isStable === this.isStable) return;
        this.isStable = isStable;
        if (isStable) {
          this.assignment += 1;
          this.#adopt(consumer, Math.round(host.clock.monotonicMs() - sinceMs));
          resolve();
        } else if (snapshot.hasTag('rebalancing')) {
          sinceMs = host.clock.monotonicMs();
          const { memberId } = consumer;
          logger.warn('The group is rebalancing, re-joining', { groupId, memberId });
          emitter.emit(consumerEvents.REBALANCING, { groupId, memberId });
        }
      });
    });
  }

  #adopt(consumer: Consumer, duration: number): void {
    const { emitter, logger, groupId, topics } = this.#options;
    const { memberId, generation, leaderId, protocol } = consumer.joined!;
    const assigned = groupByTopic(consumer.assignment);
    const topicsNotSubscribed = [...assigned.keys()].filter((topic) => !topics.includes(topic));
    if (topicsNotSubscribed.length > 0) {
      const payload = {
        groupId,
        generationId: generation,
        memberId,
        assignedTopics: [...assigned.keys()],
        topicsSubscribed: [...topics],
        topicsNotSubscribed,
      };
      emitter.emit(consumerEvents.RECEIVED_UNSUBSCRIBED_TOPICS, payload);
      logger.warn('Consumer group received unsubscribed topics', payload);
    }
    this.#onJoined(topicsNotSubscribed);
    const payload = {
      groupId,
      memberId,
      leaderId,
      isLeader: leaderId === memberId,
      memberAssignment: Object.fromEntries(assigned),
      groupProtocol: protocol,
      duration,
    };
    emitter.emit(consumerEvents.GROUP_JOIN, payload);
    logger.info('Consumer has joined the group', payload);
  }
}
