/**
 * The high watermark is the smallest log end among the in-sync replicas: what all of them hold, nobody can take away. It
 * never moves back (design.md, replication rule 2). The leader's own end is what it has made as durable as it promises,
 * so that a crash of a lone leader cannot take back what was read.
 */
import { offset, type NodeId, type Offset } from '@odradek/protocol';

/** The next high watermark of a leader; `current` when a member of the ISR has not been heard of in this epoch. */
export const nextHighWatermark = (
  current: Offset,
  isr: readonly NodeId[],
  endOf: (nodeId: NodeId) => Offset | undefined,
): Offset => {
  let smallest = Infinity;
  for (const member of isr) {
    const end = endOf(member);
    if (end === undefined) return current;
    if (end < smallest) smallest = end;
  }
  return smallest === Infinity || smallest <= current ? current : offset(smallest);
};
