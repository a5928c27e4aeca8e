/**
 * The ensemble's very beginning: nobody has said yet who votes. The configured voter with the lowest id says so, once every
 * other one has shown itself with an empty log. All of them, because a majority of empty disks may be a majority of disks
 * that were lost.
 */
import type { NodeId, Uuid } from '@odradek/protocol';
import type { MemberCore } from './member-core.ts';
import type { ReplicaKey } from './replica-progress.ts';
import type { Voter } from './voters.ts';

export class Founding {
  readonly #core: MemberCore;
  /** Configured voters with empty logs. */
  readonly #empty = new Map<NodeId, Uuid>();

  constructor(core: MemberCore) {
    this.#core = core;
  }

  readonly noteEmpty = ({ id, incarnation }: ReplicaKey): void => {
    const core = this.#core;
    const { voters, nodeId } = core.options;
    const isFirst = voters.every((voter) => voter >= nodeId) && voters.includes(nodeId);
    if (!isFirst || !voters.includes(id) || id === nodeId || core.voters.latest.length > 0) return;
    this.#empty.set(id, incarnation);
    if (this.#empty.size < voters.length - 1) return;
    const found: Voter[] = [{ ...core.self }, ...this.#othersFound()];
    core.voters.found(found.sort((a, b) => a.id - b.id));
    core.logger.info('all voters of a new metadata quorum have been found', { voters });
    core.votersChanged();
    // None of them could stand in its place: they do not know yet who votes.
    core.tell({ type: 'leader.missing' });
  };

  #othersFound(): Voter[] {
    return [...this.#empty].map(([id, incarnation]) => ({ id, incarnation }));
  }
}
