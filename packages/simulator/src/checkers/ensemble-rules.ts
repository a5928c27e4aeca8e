/**
 * The metadata quorum's own: one vote a voter and epoch; what is committed is on the disks of a majority, and an older epoch's
 * batches are not committed by copies (Raft, section 5.4.2); a node is told of changes in order, and once.
 */
import type { RoleFacts } from '@odradek/ports';
import type { WatchedPartitions } from './watched-partitions.ts';

export class EnsembleRules {
  readonly #watched: WatchedPartitions;
  readonly #voters: readonly number[];
  /** By voter and epoch. */
  readonly #votes = new Map<string, number>();
  /** By node: how far it has told its broker of the metadata. */
  readonly #applied = new Map<number, number>();

  constructor(watched: WatchedPartitions, voters: readonly number[]) {
    this.#watched = watched;
    this.#voters = voters;
  }

  nodeStarts(nodeId: number): void {
    this.#applied.delete(nodeId);
  }

  applied(nodeId: number, offset: number): void {
    const before = this.#applied.get(nodeId);
    if (before !== undefined && offset <= before)
      this.#watched.violateCluster(
        'metadata-went-back',
        `${nodeId} is told of the change at ${offset} after that at ${before}`,
      );
    this.#applied.set(nodeId, offset);
  }

  voted(nodeId: number, epoch: number, candidateId: number): void {
    const key = `${nodeId}/${epoch}`;
    const before = this.#votes.get(key);
    if (before !== undefined && before !== candidateId)
      this.#watched.violateCluster(
        'two-votes',
        `${nodeId} votes for ${before} and for ${candidateId} in epoch ${epoch}`,
      );
    this.#votes.set(key, candidateId);
  }

  majorityMustHold(facts: RoleFacts): void {
    const { committed, replicas } = this.#watched.of(facts);
    const holding = this.#voters.filter(
      (it) => (replicas.get(it)?.flushedOffset ?? 0) >= committed,
    );
    if (holding.length <= this.#voters.length / 2)
      this.#watched.violate(
        'committed-by-too-few',
        facts,
        `${facts.nodeId} commits up to ${committed}, which is on the disks of ${holding.join(', ') || 'nobody'}`,
      );
    const epoch = replicas.get(facts.nodeId)?.epochBefore(committed);
    if (epoch !== undefined && epoch !== facts.leaderEpoch)
      this.#watched.violate(
        'committed-by-too-few',
        facts,
        `${facts.nodeId} counts the copies of epoch ${epoch} in epoch ${facts.leaderEpoch}`,
      );
  }
}
