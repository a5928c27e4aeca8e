/**
 * When the faults are over and everything is read again from the start: what was acknowledged is there, once, in its
 * producer's order, and so is all that anybody has read.
 */
import type { History, PartitionHistory } from './history.ts';

/** `log` holds the values from offset `startOffset` on, with nothing missing between. */
export function checkFinalLog(
  history: History,
  partition: PartitionHistory,
  startOffset: number,
  log: readonly string[],
): void {
  const places = new Map<string, number>();
  const lastNumber = new Map<number, number>();
  log.forEach((value, index) => {
    const offset = startOffset + index;
    const before = places.get(value);
    if (before !== undefined) {
      history.violate(
        'duplicate',
        `${partition.name} holds ${value} at ${before} and at ${offset}`,
      );
      return;
    }
    places.set(value, offset);
    const send = partition.sends.get(value);
    if (send === undefined) {
      history.violate(
        'phantom',
        `${partition.name}@${offset} holds ${value}, which nobody sent there`,
      );
      return;
    }
    const last = lastNumber.get(send.producer);
    if (last !== undefined && last > send.number)
      history.violate(
        'nonmonotonic-send',
        `${partition.name}@${offset} holds ${value}, and number ${last} of producer ${send.producer} lies before it`,
      );
    lastNumber.set(send.producer, send.number);
  });
  for (const send of partition.sends.values()) {
    if (send.outcome !== 'ok' || places.has(send.value)) continue;
    history.violate(
      'lost-write',
      `${partition.name} does not hold ${send.value}, acknowledged at ${send.offset} (sent at ${Math.round(send.invokedMs)} ms); the log ends at ${startOffset + log.length}`,
    );
  }
  for (const [offset, { value, by }] of partition.at) {
    if (offset < startOffset + log.length) continue;
    history.violate(
      'lost-read',
      `${partition.name} ends at ${startOffset + log.length}, and ${by} said ${value} at ${offset}`,
    );
  }
}
