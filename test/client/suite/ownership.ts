/** The history of who was given which partition, and all that was wrong in it: a partition of two, or taken from who did not have it. */
import type { RebalanceListener, TopicPartition } from '@odradek/client';
import { placesOf } from './world.ts';

export class Ownership {
  /** "+3 t-7": member 3 was given it. "-3 t-7", "!3 t-7": gave it back, lost it. */
  readonly history: string[] = [];
  readonly wrong: string[] = [];
  readonly #owners = new Map<string, number>();
  readonly #mayLose: boolean;

  /** Whether members may lose partitions (those that are killed). */
  constructor({ mayLose = false } = {}) {
    this.#mayLose = mayLose;
  }

  get size(): number {
    return this.#owners.size;
  }

  /** What a member that is killed had, others may have from now on. */
  killed(member: number): void {
    for (const [place, owner] of this.#owners) if (owner === member) this.#owners.delete(place);
  }

  listener(member: number): Required<RebalanceListener> {
    return {
      onAssigned: (partitions) =>
        this.#each('+', member, partitions, (place, owner) => {
          if (owner !== undefined) this.wrong.push(`${place} went to ${member}, ${owner} has it`);
          this.#owners.set(place, member);
        }),
      onRevoked: (partitions) =>
        this.#each('-', member, partitions, (place, owner) => {
          if (owner !== member) this.wrong.push(`${place} was ${owner}'s, not ${member}'s`);
          this.#owners.delete(place);
        }),
      onLost: (partitions) =>
        this.#each('!', member, partitions, (place, owner) => {
          if (!this.#mayLose) this.wrong.push(`${member} lost ${place}`);
          if (owner === member) this.#owners.delete(place);
        }),
    };
  }

  #each(
    sign: string,
    member: number,
    partitions: readonly TopicPartition[],
    account: (place: string, owner: number | undefined) => void,
  ): void {
    for (const place of placesOf(partitions)) {
      this.history.push(`${sign}${member} ${place}`);
      account(place, this.#owners.get(place));
    }
  }
}
