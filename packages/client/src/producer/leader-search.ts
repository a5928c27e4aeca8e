/** Asks who leads partitions whose leader is not known; after a failure, or while an election is under way, only after a pause. */
import type { Cluster } from '../cluster.ts';
import { asError } from '../errors.ts';
import { backoffMs } from '../retry.ts';

export class LeaderSearch {
  readonly #cluster: Cluster;
  #isSearching = false;
  #failures = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** One at a time. `done` is called when it may have been found, `failed` before that when nobody could be asked. */
  async find(
    topics: readonly string[],
    done: () => void,
    failed: (error: Error) => void,
  ): Promise<void> {
    if (this.#isSearching) return;
    this.#isSearching = true;
    const { host, retry } = this.#cluster;
    const end = (): void => {
      this.#isSearching = false;
      done();
    };
    let isComplete = false;
    try {
      const { topics: found } = await this.#cluster.metadata({ topics });
      isComplete = found.every(
        ({ errorCode, partitions }) =>
          errorCode === 0 && partitions.every(({ leaderId }) => leaderId >= 0),
      );
    } catch (error) {
      failed(asError(error));
    }
    if (isComplete) this.#failures = 0;
    if (isComplete || this.#cluster.isClosed) {
      end();
      return;
    }
    this.#failures += 1;
    host.clock.setTimeout(end, backoffMs(host, retry, this.#failures - 1));
  }
}
