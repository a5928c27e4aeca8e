/**
 * One consumer group: a partition has one owner in a generation; what is committed does not go back; who takes over begins where
 * the last commit said; and nothing is passed over: every offset below a commit was handed to some member.
 */
import type { History, PartitionHistory } from './history.ts';

interface PartitionOfGroup {
  /** The highest commit that was acknowledged, and by whom. */
  acknowledged: number;
  /** The highest that anybody has tried. */
  attempted: number;
  readonly read: Set<number>;
}

export class GroupCheck {
  readonly #history: History;
  readonly #name: string;
  readonly #owners = new Map<string, string>();
  readonly #partitions = new Map<PartitionHistory, PartitionOfGroup>();

  constructor(history: History, name: string) {
    this.#history = history;
    this.#name = name;
  }

  assigned(partition: PartitionHistory, generation: number, member: string): void {
    const key = `${generation}/${partition.name}`;
    const owner = this.#owners.get(key);
    if (owner !== undefined && owner !== member)
      this.#history.violate(
        'two-owners',
        `${this.#name}: ${partition.name} belongs to ${owner} and to ${member} in generation ${generation}`,
      );
    this.#owners.set(key, member);
  }

  /** The highest commit that is acknowledged now. Who begins to read from now on begins there or later. */
  committed(partition: PartitionHistory): number {
    return this.#of(partition).acknowledged;
  }

  /** The first record after an assignment at which `committed` was `floor`. */
  begins(partition: PartitionHistory, offset: number, floor: number, member: string): void {
    if (offset < floor)
      this.#history.violate(
        'commit-went-back',
        `${this.#name}: ${member} begins ${partition.name} at ${offset}, and ${floor} was committed before`,
      );
  }

  read(partition: PartitionHistory, offset: number): void {
    this.#of(partition).read.add(offset);
  }

  hasRead(partition: PartitionHistory, offset: number): boolean {
    return offset < 0 || this.#of(partition).read.has(offset);
  }

  commitInvoked(partition: PartitionHistory, offset: number): number {
    const of = this.#of(partition);
    of.attempted = Math.max(of.attempted, offset);
    return of.acknowledged;
  }

  /** `floor` is what was acknowledged when the commit was invoked. */
  commitAcknowledged(
    partition: PartitionHistory,
    offset: number,
    floor: number,
    member: string,
  ): void {
    this.#history.counts.committed += 1;
    if (offset < floor)
      this.#history.violate(
        'commit-went-back',
        `${this.#name}: ${member} committed ${offset} of ${partition.name} after ${floor} was committed`,
      );
    const of = this.#of(partition);
    of.acknowledged = Math.max(of.acknowledged, offset);
  }

  /** What the coordinator says at the end. */
  checkFinal(partition: PartitionHistory, committed: number, startOffset: number): void {
    const of = this.#of(partition);
    if (committed < of.acknowledged)
      this.#history.violate(
        'commit-went-back',
        `${this.#name}: ${partition.name} is at ${committed} in the end, and ${of.acknowledged} was acknowledged`,
      );
    if (committed > of.attempted)
      this.#history.violate(
        'commit-beyond-read',
        `${this.#name}: ${partition.name} is at ${committed} in the end, and nobody committed more than ${of.attempted}`,
      );
    for (let offset = startOffset; offset < committed; offset += 1) {
      if (of.read.has(offset)) continue;
      this.#history.violate(
        'unread-commit',
        `${this.#name}: ${partition.name} is committed up to ${committed}, and no member was given ${offset}`,
      );
      return;
    }
  }

  #of(partition: PartitionHistory): PartitionOfGroup {
    let of = this.#partitions.get(partition);
    if (of === undefined)
      this.#partitions.set(partition, (of = { acknowledged: 0, attempted: 0, read: new Set() }));
    return of;
  }
}
