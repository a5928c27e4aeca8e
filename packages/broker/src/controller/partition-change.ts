/**
 * The one way in which a partition's registration changes: a wish (of another ISR, other replicas, an election) becomes the
 * next assignment, or nothing. Whoever wishes, the rules are the same: a finished reassignment is completed, the eligible
 * leader replicas are kept (KIP-966), a leader is elected, and epochs rise.
 *
 * Invariants, asserted on every result: a leader is in the ISR; the ISR is among the replicas, and nobody in it is only
 * eligible; epochs never go back; a clean election takes who was in the ISR or eligible, and never who has just lost his
 * tail (design.md, replication rules 5 and 7).
 */
import { leaderEpoch, type NodeId } from '@odradek/protocol';
import {
  NO_LEADER,
  addingOf,
  effectiveMinIsr,
  elrOf,
  removingOf,
  type PartitionAssignment,
} from '@odradek/replication';

export type Election =
  /** Keeps the leader while it can lead; else the first replica that can, in the order of the list. */
  | 'online'
  /** The first replica of the list if it can lead. */
  | 'preferred'
  /** As `online`; and if nobody can, whoever is up: what he does not have is lost. */
  | 'unclean';

export interface PartitionWish {
  readonly isr?: readonly NodeId[];
  readonly replicas?: readonly NodeId[];
  readonly adding?: readonly NodeId[];
  readonly removing?: readonly NodeId[];
  readonly election?: Election;
  /** It stopped uncleanly, and may have lost the end of its log. */
  readonly uncleanReplica?: NodeId;
  /** It came back with nothing: it cannot be fallen back on. */
  readonly emptyReplica?: NodeId;
  /** The leader says that it has recovered from an unclean election. */
  readonly isRecovered?: boolean;
  /** Moves the partition epoch even if nothing else changes, so that wishes that are still on the way are refused. */
  readonly isFence?: boolean;
}

export interface ChangeContext {
  /** Up, not fenced, not about to stop. */
  canLead(nodeId: NodeId): boolean;
  /** `min.insync.replicas` of the topic. */
  readonly minInsyncReplicas: number;
}

interface Draft {
  replicas: readonly NodeId[];
  adding: readonly NodeId[];
  removing: readonly NodeId[];
  isr: readonly NodeId[];
  elr: readonly NodeId[];
  leader: NodeId;
  isUnclean: boolean;
}

/** The next assignment, or null when nothing changes. */
export const changePartition = (
  known: PartitionAssignment,
  wish: PartitionWish,
  context: ChangeContext,
): PartitionAssignment | null => {
  const draft: Draft = {
    replicas: wish.replicas ?? known.replicas,
    adding: wish.adding ?? addingOf(known),
    removing: wish.removing ?? removingOf(known),
    isr: wish.isr ?? known.isr,
    elr: elrOf(known),
    leader: known.leader,
    isUnclean: false,
  };
  completeReassignment(draft);
  draft.elr = eligible(draft, known, wish, context.minInsyncReplicas);
  const lastKnownLeader =
    known.lastKnownLeader === wish.emptyReplica ? undefined : known.lastKnownLeader;
  elect(draft, wish.election ?? 'online', lastKnownLeader, context);
  const next = assignmentOf(draft, known, wish, lastKnownLeader);
  if (next !== null) assertSound(known, next, draft, wish);
  return next;
};

/** As soon as those who are to stay are in sync, those who are to go leave (KIP-455). */
const completeReassignment = (draft: Draft): void => {
  if (draft.adding.length === 0 && draft.removing.length === 0) return;
  const replicas = without(draft.replicas, draft.removing);
  const isr = without(draft.isr, draft.removing);
  if (isr.length === 0 || replicas.length === 0) return;
  if (!replicas.every((it) => isr.includes(it))) return;
  draft.replicas = replicas;
  draft.isr = isr;
  draft.adding = [];
  draft.removing = [];
};

/**
 * While the ISR is smaller than it must be, nothing is committed: whoever leaves it then holds all that is. That ends when
 * the ISR is large enough, or when he loses his tail.
 */
const eligible = (
  { isr, elr, replicas }: Draft,
  known: PartitionAssignment,
  wish: PartitionWish,
  minInsyncReplicas: number,
): readonly NodeId[] => {
  if (isr.length >= effectiveMinIsr(minInsyncReplicas, replicas.length)) return [];
  const candidates = new Set([...elr, ...known.isr]);
  return replicas.filter(
    (it) =>
      candidates.has(it) &&
      !isr.includes(it) &&
      it !== wish.uncleanReplica &&
      it !== wish.emptyReplica,
  );
};

const elect = (
  draft: Draft,
  election: Election,
  lastKnownLeader: NodeId | undefined,
  { canLead }: ChangeContext,
): void => {
  const { replicas, isr, elr } = draft;
  const isValid = (it: NodeId): boolean =>
    (isr.includes(it) || (isr.length === 0 && elr.includes(it))) && canLead(it);
  const preferred = replicas[0]!;
  const known = draft.leader;
  const chosen =
    election === 'preferred' && isValid(preferred)
      ? preferred
      : isValid(known)
        ? known
        : replicas.find(isValid);
  if (chosen !== undefined) {
    draft.leader = chosen;
    if (elr.includes(chosen)) {
      draft.isr = [chosen];
      draft.elr = without(elr, [chosen]);
    }
    return;
  }
  const isForsaken = isr.length === 0 && elr.length === 0;
  const lastResort =
    isForsaken && lastKnownLeader !== undefined && canLead(lastKnownLeader)
      ? lastKnownLeader
      : election === 'unclean'
        ? replicas.find(canLead)
        : undefined;
  draft.leader = lastResort ?? NO_LEADER;
  if (lastResort === undefined || !replicas.includes(lastResort)) {
    draft.leader = NO_LEADER;
    return;
  }
  draft.isr = [lastResort];
  draft.elr = [];
  draft.isUnclean = true;
};

const assignmentOf = (
  draft: Draft,
  known: PartitionAssignment,
  wish: PartitionWish,
  lastKnownLeader: NodeId | undefined,
): PartitionAssignment | null => {
  const isLeaderChanged = draft.leader !== known.leader || draft.isUnclean;
  // Who is taken off the list must not go on as if it were a replica of this epoch.
  const isReplicaGone = known.replicas.some((it) => !draft.replicas.includes(it));
  const forsaken = draft.leader >= 0 ? undefined : (lastKnownLeader ?? known.leader);
  const isForsakenBy =
    forsaken !== undefined && forsaken >= 0 && forsaken !== wish.emptyReplica
      ? forsaken
      : undefined;
  const isRecovering =
    draft.leader >= 0 &&
    (draft.isUnclean
      ? draft.replicas.length > 1
      : known.isRecovering === true && wish.isRecovered !== true);
  const isSame =
    !isLeaderChanged &&
    sameNodes(draft.replicas, known.replicas) &&
    sameNodes(draft.isr, known.isr) &&
    sameNodes(draft.elr, elrOf(known)) &&
    sameNodes(draft.adding, addingOf(known)) &&
    sameNodes(draft.removing, removingOf(known)) &&
    isForsakenBy === known.lastKnownLeader &&
    isRecovering === (known.isRecovering === true);
  if (isSame && wish.isFence !== true) return null;
  return {
    replicas: draft.replicas,
    isr: draft.isr,
    leader: draft.leader,
    leaderEpoch: leaderEpoch(known.leaderEpoch + (isLeaderChanged || isReplicaGone ? 1 : 0)),
    partitionEpoch: known.partitionEpoch + 1,
    ...(draft.adding.length > 0 && { addingReplicas: draft.adding }),
    ...(draft.removing.length > 0 && { removingReplicas: draft.removing }),
    ...(draft.elr.length > 0 && { elr: draft.elr }),
    ...(isForsakenBy !== undefined && { lastKnownLeader: isForsakenBy }),
    ...(isRecovering && { isRecovering: true as const }),
  };
};

const assertSound = (
  known: PartitionAssignment,
  next: PartitionAssignment,
  draft: Draft,
  wish: PartitionWish,
): void => {
  const { leader, isr, replicas } = next;
  const elr = elrOf(next);
  const cleanly = [...known.isr, ...elrOf(known), ...(wish.isr ?? [])];
  const isSound =
    (leader < 0 || isr.includes(leader)) &&
    isr.every((it) => replicas.includes(it) && !elr.includes(it)) &&
    next.leaderEpoch >= known.leaderEpoch &&
    next.partitionEpoch > known.partitionEpoch &&
    (leader < 0 ||
      leader === known.leader ||
      draft.isUnclean ||
      (cleanly.includes(leader) && leader !== wish.uncleanReplica));
  if (!isSound) {
    throw new Error(
      `a partition may not change from ${JSON.stringify(known)} to ${JSON.stringify(next)}`,
    );
  }
};

const without = (nodes: readonly NodeId[], gone: readonly NodeId[]): readonly NodeId[] =>
  gone.length === 0 ? nodes : nodes.filter((it) => !gone.includes(it));

const sameNodes = (a: readonly NodeId[], b: readonly NodeId[]): boolean =>
  a.length === b.length && a.every((it, i) => it === b[i]);
