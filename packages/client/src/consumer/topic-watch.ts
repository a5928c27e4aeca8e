/** What a consumer knows of its topics: how many partitions they have, looked at again from time to time; and who leads, when that is not known. */
import { ErrorCode } from '@odradek/protocol';
import { BrokerError, isRetriable } from '../errors.ts';
import { backoffMs, pause, withRetries } from '../retry.ts';
import type { Holdings } from './holdings.ts';

export class TopicWatch {
  readonly #holdings: Holdings;
  readonly #counts = new Map<string, number>();
  #isFinding = false;

  constructor(holdings: Holdings) {
    this.#holdings = holdings;
  }

  /** Partitions of a topic that was loaded; 0 of others. */
  countOf(topic: string): number {
    return this.#counts.get(topic) ?? 0;
  }

  /** Those that are not known; `isFresh` asks for all of them. */
  async load(topics: readonly string[], isFresh = true): Promise<void> {
    const { cluster, settings } = this.#holdings;
    for (const topic of topics) {
      if (!isFresh && this.#counts.has(topic)) continue;
      const { partitions } = await cluster.topic(topic, { mayCreate: settings.mayCreateTopics });
      this.#counts.set(topic, partitions.length);
    }
  }

  /** One of `topics` that has other partitions than before. */
  async grown(topics: readonly string[]): Promise<string | undefined> {
    const before = new Map(this.#counts);
    const { cluster } = this.#holdings;
    try {
      await withRetries(cluster.host, cluster.retry, async () => {
        const answer = await cluster.metadata({ topics: [...before.keys()] });
        for (const { name, partitions } of answer.topics)
          if (name !== null && partitions.length > 0) this.#counts.set(name, partitions.length);
      });
    } catch {
      // It is looked at again after the same time; what does not work meanwhile is told where it fails.
      return undefined;
    }
    return topics.find((topic) => before.get(topic) !== this.#counts.get(topic));
  }

  /** Asks who leads, in the background, and again after a pause while somebody is missing. */
  findLeaders(topics: readonly string[]): void {
    if (!this.#isFinding) void this.#findLeaders(topics);
  }

  async #findLeaders(topics: readonly string[]): Promise<void> {
    this.#isFinding = true;
    const { host, retry } = this.#holdings.cluster;
    try {
      for (let failures = 0; !this.#holdings.isOver; failures += 1) {
        try {
          if (await this.#haveLeaders(topics)) return;
        } catch (error) {
          if (!isRetriable(error)) this.#holdings.fail(error);
        }
        if (!this.#holdings.isOver) await pause(host, backoffMs(host, retry, failures));
      }
    } finally {
      this.#isFinding = false;
      this.#holdings.pump();
    }
  }

  /** Elections end, and topics that are being created appear; but not after any time. */
  async #haveLeaders(topics: readonly string[]): Promise<boolean> {
    const { cluster } = this.#holdings;
    const { topics: found } = await cluster.metadata({ topics });
    if (found.every(({ partitions }) => partitions.some(({ leaderId }) => leaderId >= 0)))
      return true;
    const nowMs = cluster.host.clock.monotonicMs();
    const errorCode = found.find((each) => each.errorCode !== 0)?.errorCode;
    for (const state of this.#holdings.states) {
      if (!topics.includes(state.topic)) continue;
      state.troubledSinceMs ??= nowMs;
      if (nowMs - state.troubledSinceMs > cluster.retry.timeoutMs)
        this.#holdings.fail(
          new BrokerError(errorCode ?? ErrorCode.LEADER_NOT_AVAILABLE, { topic: state.topic }),
        );
    }
    return false;
  }
}
