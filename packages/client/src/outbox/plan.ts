/** Which entries go out together: of each partition one batch, in the order in which they were appended. Pure. */
import { partitionOfKey } from '../producer/murmur2.ts';
import { partitionKey } from '../consumer/topic-partition.ts';
import type { OutboxEntry } from './entry.ts';
import { partitionOf } from './ledger.ts';
import type { Ledger, Plan, PlannedBatch, RefusedEntry } from './ledger.ts';

/** What the server says of a topic: its partitions, or why it takes nothing. */
export type Destination =
  | { readonly partitionCount: number }
  | { readonly errorName: string; readonly reason: string };

export interface PlanLimits {
  readonly batchBytes: number;
  /** All batches of a plan together. */
  readonly requestBytes: number;
  readonly batchEntries: number;
}

interface Filling {
  readonly topic: string;
  readonly partition: number;
  readonly locals: number[];
  sizeBytes: number;
}

export type Placed = Plan & { readonly batches: readonly Omit<PlannedBatch, 'upstreamEnd'>[] };

/**
 * `entries`: those to be sent again first, then those from the position on, in order. It ends where a batch is full: whatever is behind waits, so that
 * nothing passes anything in its partition.
 */
export function planRound(
  ledger: Ledger,
  entries: readonly OutboxEntry[],
  destinations: ReadonlyMap<string, Destination>,
  limits: PlanLimits,
): Placed {
  const filling = new Map<string, Filling>();
  const refused: RefusedEntry[] = [];
  let end = ledger.position;
  let requestBytes = 0;
  for (const entry of entries) {
    const placed = place(entry, destinations.get(entry.topic), entries[0]!.localOffset);
    if ('errorName' in placed) {
      refused.push({ local: entry.localOffset, ...placed });
    } else {
      const key = partitionKey(entry.topic, placed.partition);
      const known = filling.get(key);
      const isFull =
        known !== undefined &&
        (known.sizeBytes + entry.sizeBytes > limits.batchBytes ||
          known.locals.length >= batchMax(ledger, known, limits));
      if (isFull || (filling.size > 0 && requestBytes + entry.sizeBytes > limits.requestBytes))
        break;
      const batch = known ?? {
        topic: entry.topic,
        partition: placed.partition,
        locals: [],
        sizeBytes: 0,
      };
      batch.locals.push(entry.localOffset);
      batch.sizeBytes += entry.sizeBytes;
      requestBytes += entry.sizeBytes;
      filling.set(key, batch);
    }
    end = Math.max(end, entry.localOffset + 1);
  }
  const batches = [...filling.values()].map(({ topic, partition, locals }) => ({
    topic,
    partition,
    locals,
    baseSequence: partitionOf(ledger, topic, partition)?.nextSequence ?? 0,
    upstreamEnd: 0,
  }));
  return { end, batches, refused };
}

const batchMax = (
  ledger: Ledger,
  { topic, partition }: Filling,
  { batchEntries }: PlanLimits,
): number =>
  Math.min(batchEntries, partitionOf(ledger, topic, partition)?.batchMax ?? batchEntries);

/** Without a key or a wish, all of a round go to one partition: another one the next time. */
function place(
  { topic, partition, record }: OutboxEntry,
  destination: Destination | undefined,
  round: number,
): { readonly partition: number } | Omit<RefusedEntry, 'local'> {
  if (destination === undefined) throw new Error(`nobody asked for ${topic}`);
  if ('errorName' in destination) return destination;
  const { partitionCount } = destination;
  if (partition !== undefined) {
    if (partition >= 0 && partition < partitionCount) return { partition };
    return {
      errorName: 'UNKNOWN_TOPIC_OR_PARTITION',
      reason: `${topic} has ${partitionCount} partitions, and no partition ${partition}`,
    };
  }
  const { key } = record;
  return {
    partition: key == null ? round % partitionCount : partitionOfKey(key, partitionCount),
  };
}
