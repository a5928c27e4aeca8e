/**
 * Whoever is in the ISR or eligible (KIP-966) has all that is committed on its disk, and so has whoever is elected: what the rules
 * about ISRs, marks and elections are for. An epoch has one leader; who joins had reached the epoch's start; nothing is
 * acknowledged with fewer than min.insync.replicas; what a node knows of a partition does not go back.
 */
import type { ReplicaFacts, RoleFacts } from '@odradek/ports';
import type { Registration, WatchedPartition, WatchedPartitions } from './watched-partitions.ts';

export class MembershipRules {
  readonly #watched: WatchedPartitions;

  constructor(watched: WatchedPartitions) {
    this.#watched = watched;
  }

  leaderBecame(facts: RoleFacts, startOffset: number): void {
    const { nodeId, leaderEpoch } = facts;
    const { leaders } = this.#watched.of(facts);
    const other = leaders.get(leaderEpoch);
    if (other === undefined) leaders.set(leaderEpoch, { nodeId, startOffset });
    else if (other.nodeId !== nodeId)
      this.#watched.violate(
        'two-leaders',
        facts,
        `${other.nodeId} and ${nodeId} lead in epoch ${leaderEpoch}`,
      );
  }

  registered(facts: RoleFacts, next: Registration): void {
    const watched = this.#watched;
    const { nodeId } = facts;
    const { leader, leaderEpoch, partitionEpoch, isr, elr } = next;
    const partition = watched.of(facts);
    const known = partition.known.get(nodeId);
    if (known !== undefined && partitionEpoch < known)
      watched.violate(
        'metadata-went-back',
        facts,
        `${nodeId} is told of partition epoch ${partitionEpoch} after ${known}`,
      );
    partition.known.set(nodeId, partitionEpoch);
    const newest = partition.registration;
    if (newest !== undefined && partitionEpoch <= newest.partitionEpoch) return;
    partition.registration = next;
    watched.note(
      facts,
      `epoch ${leaderEpoch}.${partitionEpoch}: leader ${leader}, isr ${isr.join(' ') || '-'}, elr ${elr.join(' ') || '-'}, committed ${partition.committed}`,
    );
    if (newest !== undefined && leaderEpoch < newest.leaderEpoch)
      watched.violate(
        'metadata-went-back',
        facts,
        `leader epoch ${leaderEpoch} is registered after ${newest.leaderEpoch}`,
      );
    this.membersMustHold(facts);
    if (newest?.leaderEpoch === leaderEpoch) this.#joinersMustHoldStart(facts, partition, newest);
  }

  membersMustHold(facts: ReplicaFacts): void {
    const { registration } = this.#watched.of(facts);
    if (registration === undefined) return;
    const { isr, elr, partitionEpoch } = registration;
    for (const member of isr)
      this.mustHoldCommitted(facts, member, `is in the ISR at partition epoch ${partitionEpoch}`);
    for (const member of elr)
      this.mustHoldCommitted(facts, member, `is eligible at partition epoch ${partitionEpoch}`);
  }

  mustHoldCommitted(facts: ReplicaFacts, nodeId: number, why: string): void {
    const watched = this.#watched;
    const { committed, replicas, words } = watched.of(facts);
    const replica = replicas.get(nodeId);
    const flushedOffset = replica?.flushedOffset ?? 0;
    if (flushedOffset < committed) {
      watched.violate(
        'lacks-committed',
        facts,
        `${nodeId} ${why}, and has ${flushedOffset} on its disk of the ${committed} that are committed`,
      );
      return;
    }
    // By the epochs' rule the batches before agree when the last one does.
    let last: { readonly base: number; readonly word: number } | undefined;
    for (const batch of replica?.between(replica.highWatermark, committed) ?? []) last = batch;
    const known = last && words.get(last.base);
    if (known !== undefined && known !== last!.word) watched.differs(facts, nodeId, last!.base);
  }

  acknowledged(
    facts: RoleFacts,
    nextOffset: number,
    isr: readonly number[],
    minInsyncReplicas: number,
  ): void {
    const { committed } = this.#watched.of(facts);
    const what = `${facts.nodeId} acknowledges up to ${nextOffset}`;
    if (isr.length < minInsyncReplicas)
      this.#watched.violate(
        'acknowledged-by-too-few',
        facts,
        `${what} with ${isr.join(', ')} in sync; min.insync.replicas is ${minInsyncReplicas}`,
      );
    if (nextOffset > committed)
      this.#watched.violate(
        'acknowledged-uncommitted',
        facts,
        `${what}, and ${committed} is committed`,
      );
  }

  /** Whether no partition relies on this node: others are in sync or eligible, and it is not. */
  canLose(nodeId: number): boolean {
    return this.#everyMembership((members) => members.length > 0 && !members.includes(nodeId));
  }

  /** Whether every partition has somebody else who is in sync or eligible. */
  othersHaveAll(nodeId: number): boolean {
    return this.#everyMembership((members) => members.some((it) => it !== nodeId));
  }

  #everyMembership(isFine: (members: readonly number[]) => boolean): boolean {
    for (const { registration } of this.#watched.all())
      if (registration !== undefined && !isFine([...registration.isr, ...registration.elr]))
        return false;
    return true;
  }

  #joinersMustHoldStart(
    facts: RoleFacts,
    { leaders, replicas, registration }: WatchedPartition,
    before: Registration,
  ): void {
    const start = leaders.get(facts.leaderEpoch)?.startOffset ?? 0;
    for (const member of registration!.isr) {
      if (before.isr.includes(member)) continue;
      const endOffset = replicas.get(member)?.endOffset ?? 0;
      if (endOffset < start)
        this.#watched.violate(
          'joined-too-early',
          facts,
          `${member} is in sync with ${endOffset} records, and epoch ${facts.leaderEpoch} began at ${start}`,
        );
    }
  }
}
