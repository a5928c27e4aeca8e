/** A topic whose making was acknowledged is there until somebody deletes it, and one whose deletion was is not there again. */
import type { History } from './history.ts';

export class TopicsCheck {
  readonly #history: History;
  readonly #cluster: string;
  /** Acknowledged, and nobody has tried to delete them. */
  readonly #created = new Set<string>();
  readonly #deleted = new Set<string>();

  constructor(history: History, cluster: string) {
    this.#history = history;
    this.#cluster = cluster;
  }

  created(name: string): void {
    this.#created.add(name);
  }

  deletionInvoked(name: string): void {
    this.#created.delete(name);
  }

  deleted(name: string): void {
    this.#deleted.add(name);
  }

  /** A broker may lag behind the controller: what it says now need not be the last word. */
  isSettled(topics: ReadonlySet<string>): boolean {
    return (
      [...this.#created].every((name) => topics.has(name)) &&
      ![...this.#deleted].some((name) => topics.has(name))
    );
  }

  checkFinal(topics: ReadonlySet<string>): void {
    for (const name of this.#created)
      if (!topics.has(name))
        this.#history.violate('lost-topic', `${this.#cluster}: ${name} was made, and is not there`);
    for (const name of this.#deleted)
      if (topics.has(name))
        this.#history.violate(
          'deleted-topic-returned',
          `${this.#cluster}: ${name} was deleted, and is there`,
        );
  }
}
