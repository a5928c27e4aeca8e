/**
 * The ISR as a leader has it: what the controller has committed, and one wish that is on its way. Whatever may come of the
 * wish, the high watermark counts everybody who may be a member by then (`maximal`): a member whom the leader did not wait
 * for could be elected without what was acknowledged (design.md, replication rule 4).
 *
 * A wish whose answer was lost may be carried out at any later time, as long as the registration has not changed. So if its
 * repetition is refused, that is not the end of it: the leader asks for the ISR as it is (`retracting`), which moves the
 * partition epoch and thereby fences what is still on the way.
 */
import type { NodeId } from '@odradek/protocol';

export interface IsrChange {
  readonly kind: 'expanding' | 'shrinking' | 'retracting';
  readonly proposed: readonly NodeId[];
}

export interface IsrState {
  readonly committed: readonly NodeId[];
  /** All who are or may become members. */
  readonly maximal: readonly NodeId[];
  readonly change: IsrChange | null;
}

export const committedIsr = (isr: readonly NodeId[]): IsrState => ({
  committed: isr,
  maximal: isr,
  change: null,
});

export const expanding = ({ committed }: IsrState, added: NodeId): IsrState => {
  const proposed = [...committed, added];
  return { committed, maximal: proposed, change: { kind: 'expanding', proposed } };
};

export const shrinking = ({ committed }: IsrState, removed: ReadonlySet<NodeId>): IsrState => ({
  committed,
  maximal: committed,
  change: { kind: 'shrinking', proposed: committed.filter((it) => !removed.has(it)) },
});

/** The wish was refused, and yet may come true. */
export const retracting = ({ committed, maximal }: IsrState): IsrState => ({
  committed,
  maximal,
  change: { kind: 'retracting', proposed: committed },
});
