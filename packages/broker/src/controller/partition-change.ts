/**
 * The one way in which a partition's registration changes: a wish (of another ISR, other replicas, an election) becomes the
 * next assignment, or nothing. Whoever wishes, the rules are the same: a finished reassignment is completed, the eligible
 * leader replicas are kept (KIP-966), a leader is elected, and epochs rise. Where everybody has lost his tail nobody is
 * elected here: who holds most is found out first (forsaken-partitions.ts).
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
  lastKnownElrOf,
  offlineOf,
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
  /** Its log has failed: it holds nothing that could be read, and is neither in sync nor eligible. */
  readonly offlineReplica?: NodeId;
  /** Its log is open again. */
  readonly onlineReplica?: NodeId;
  /** Of all who have lost their tails this one is known to hold the most: it leads if nobody else can. */
  readonly furthestReplica?: NodeId;
  /** What replicas still send in this epoch says nothing of the next: one of them began anew. */
  readonly isNewEpoch?: boolean;
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
  lastKnownElr: readonly NodeId[];
  offline: readonly NodeId[];
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
    isr: without(wish.isr ?? known.isr, listOf(wish.offlineReplica)),
    elr: elrOf(known),
    lastKnownElr: lastKnownElrOf(known),
    offline: offlineAfter(known, wish),
    leader: known.leader,
    isUnclean: false,
  };
  completeReassignment(draft);
  draft.offline = draft.offline.filter((it) => draft.replicas.includes(it));
  draft.elr = eligible(draft, known, wish, context.minInsyncReplicas);
  draft.lastKnownElr = tailless(draft, known, wish, context.minInsyncReplicas);
  const lastKnownLeader =
    known.lastKnownLeader === wish.emptyReplica ? undefined : known.lastKnownLeader;
  // Of a single replica there is nobody to compare it with.
  const heir = wish.furthestReplica ?? (draft.replicas.length === 1 ? lastKnownLeader : undefined);
  const canLead = (it: NodeId): boolean => context.canLead(it) && !draft.offline.includes(it);
  elect(draft, wish.election ?? 'online', heir, canLead);
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
      it !== wish.offlineReplica &&
      it !== wish.emptyReplica,
  );
};

/** Who would be eligible, had he not lost his tail. */
const tailless = (
  { isr, replicas, lastKnownElr }: Draft,
  known: PartitionAssignment,
  wish: PartitionWish,
  minInsyncReplicas: number,
): readonly NodeId[] => {
  if (isr.length >= effectiveMinIsr(minInsyncReplicas, replicas.length)) return [];
  const lost = [...listOf(wish.uncleanReplica), ...listOf(wish.offlineReplica)].filter(
    (it) => known.isr.includes(it) || elrOf(known).includes(it),
  );
  return replicas.filter(
    (it) =>
      (lastKnownElr.includes(it) || lost.includes(it)) &&
      !isr.includes(it) &&
      it !== wish.emptyReplica,
  );
};

const offlineAfter = (known: PartitionAssignment, wish: PartitionWish): readonly NodeId[] => {
  const kept = without(offlineOf(known), listOf(wish.onlineReplica));
  const { offlineReplica } = wish;
  return offlineReplica === undefined || kept.includes(offlineReplica)
    ? kept
    : [...kept, offlineReplica];
};

const elect = (
  draft: Draft,
  election: Election,
  heir: NodeId | undefined,
  canLead: (nodeId: NodeId) => boolean,
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
    isForsaken && heir !== undefined && canLead(heir)
      ? heir
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
  draft.lastKnownElr = [];
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
    sameNodes(draft.lastKnownElr, lastKnownElrOf(known)) &&
    sameNodes(draft.offline, offlineOf(known)) &&
    sameNodes(draft.adding, addingOf(known)) &&
    sameNodes(draft.removing, removingOf(known)) &&
    isForsakenBy === known.lastKnownLeader &&
    isRecovering === (known.isRecovering === true);
  if (isSame && wish.isFence !== true && wish.isNewEpoch !== true) return null;
  const isNewEpoch = isLeaderChanged || isReplicaGone || wish.isNewEpoch === true;
  return {
    replicas: draft.replicas,
    isr: draft.isr,
    leader: draft.leader,
    leaderEpoch: leaderEpoch(known.leaderEpoch + (isNewEpoch ? 1 : 0)),
    partitionEpoch: known.partitionEpoch + 1,
    ...(draft.adding.length > 0 && { addingReplicas: draft.adding }),
    ...(draft.removing.length > 0 && { removingReplicas: draft.removing }),
    ...(draft.elr.length > 0 && { elr: draft.elr }),
    ...(draft.lastKnownElr.length > 0 && { lastKnownElr: draft.lastKnownElr }),
    ...(draft.offline.length > 0 && { offline: draft.offline }),
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
    !offlineOf(next).includes(leader) &&
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

const listOf = (node: NodeId | undefined): readonly NodeId[] => (node === undefined ? [] : [node]);

const without = (nodes: readonly NodeId[], gone: readonly NodeId[]): readonly NodeId[] =>
  gone.length === 0 ? nodes : nodes.filter((it) => !gone.includes(it));

const sameNodes = (a: readonly NodeId[], b: readonly NodeId[]): boolean =>
  a.length === b.length && a.every((it, i) => it === b[i]);
