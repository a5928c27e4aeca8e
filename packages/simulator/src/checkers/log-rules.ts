/**
 * What an epoch has written at an offset stands for that epoch on everybody's disk; replicas agree, batch by batch, below what each
 * of them believes to be committed; nothing that is committed is cut off again, and no high watermark falls within a log's life.
 *
 * A mark that moves costs what lies between the old and the new one; nothing here looks at a whole log.
 */
import type { ReplicaFacts } from '@odradek/ports';
import type { WatchedPartitions } from './watched-partitions.ts';

/** Where a batch's leader epoch and checksum stand in its header. */
const LEADER_EPOCH_AT = 12;
const CRC_AT = 17;
/** More epochs than a partition has in a history. */
const EPOCHS_MAX = 4096;

export class LogRules {
  readonly #watched: WatchedPartitions;

  constructor(watched: WatchedPartitions) {
    this.#watched = watched;
  }

  appended(facts: ReplicaFacts, baseOffset: number, nextOffset: number, batch: Uint8Array): void {
    const watched = this.#watched;
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    const checksum = view.getUint32(CRC_AT);
    const epoch = view.getInt32(LEADER_EPOCH_AT);
    const { written } = watched.of(facts);
    const key = baseOffset * EPOCHS_MAX + epoch;
    const before = written.get(key);
    if (before !== undefined && before !== checksum)
      watched.violate(
        'two-leaders',
        facts,
        `${facts.nodeId} writes another batch at ${baseOffset} in epoch ${epoch} than was written there before in that epoch`,
      );
    written.set(key, checksum);
    watched.replica(facts).appended(baseOffset, nextOffset, epoch, checksum ^ (epoch << 16));
  }

  truncated(facts: ReplicaFacts, toOffset: number, highWatermark: number): void {
    const watched = this.#watched;
    const cuts = `${facts.nodeId} cuts its log to ${toOffset}`;
    if (toOffset < highWatermark)
      watched.violate(
        'truncated-committed',
        facts,
        `${cuts}, below its high watermark ${highWatermark}`,
      );
    const { committed, words } = watched.of(facts);
    const replica = watched.replica(facts);
    // Whoever cuts where epochs part never meets these: all later leaders have them.
    for (const { base, word } of replica.between(toOffset, committed)) {
      if (words.get(base) !== word) continue;
      watched.violate(
        'truncated-committed',
        facts,
        `${cuts}, and what it had at ${base} is committed`,
      );
      break;
    }
    replica.cut(toOffset);
  }

  /** Whether more is committed now than before. */
  highWatermarkMoved(facts: ReplicaFacts, highWatermark: number): boolean {
    const { nodeId } = facts;
    const watched = this.#watched;
    const partition = watched.of(facts);
    const replica = watched.replica(facts);
    const before = replica.highWatermark;
    if (highWatermark < before)
      watched.violate(
        'high-watermark-went-back',
        facts,
        `on ${nodeId} from ${before} to ${highWatermark}`,
      );
    if (highWatermark > replica.endOffset)
      watched.violate(
        'beyond-the-log',
        facts,
        `${nodeId} holds ${replica.endOffset} and believes that ${highWatermark} is committed`,
      );
    replica.highWatermark = highWatermark;
    for (const { base, word } of replica.between(before, highWatermark)) {
      const known = partition.words.get(base);
      if (known === undefined) partition.words.set(base, word);
      else if (known !== word) watched.differs(facts, nodeId, base);
    }
    if (highWatermark <= partition.committed) return false;
    partition.committed = highWatermark;
    return true;
  }
}
