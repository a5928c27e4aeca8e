/**
 * The rules that only an observer within the brokers can see, checked as each fact becomes true (ports/src/probe.ts): one
 * leader an epoch; the high watermark of a leader's epoch never goes back; nothing below a high watermark is cut off; replicas
 * agree byte for byte below it; what was acknowledged lies in the log of whoever leads later; one vote a node and epoch.
 */
import type { BrokerObserver, ReplicaFacts } from '@odradek/ports';
import type { History } from './history.ts';

interface Committed {
  /** By epoch. */
  readonly leaders: Map<number, number>;
  /** What any leader's high watermark has reached. */
  highWatermark: number;
  /** The checksum of each batch that any replica holds, by its base offset: below the high watermark they must not differ. */
  readonly checksums: Map<number, Map<number, number>>;
  /** By node. */
  readonly highWatermarks: Map<number, { epoch: number; offset: number }>;
}

/** Where a batch's checksum and leader epoch stand in its header. */
const LEADER_EPOCH_AT = 12;
const CRC_AT = 17;

export class ObservedRules implements BrokerObserver {
  readonly #history: History;
  readonly #cluster: string;
  readonly #partitions = new Map<string, Committed>();
  readonly #votes = new Map<string, number>();

  constructor(history: History, cluster: string) {
    this.#history = history;
    this.#cluster = cluster;
  }

  leaderBecame(facts: ReplicaFacts): void {
    const { leaders } = this.#of(facts);
    const other = leaders.get(facts.leaderEpoch);
    if (other !== undefined && other !== facts.nodeId)
      this.#history.violate(
        'two-leaders',
        `${this.#name(facts)}: ${other} and ${facts.nodeId} lead in epoch ${facts.leaderEpoch}`,
      );
    leaders.set(facts.leaderEpoch, facts.nodeId);
  }

  highWatermarkMoved(facts: ReplicaFacts & { readonly highWatermark: number }): void {
    const { nodeId, leaderEpoch, highWatermark } = facts;
    const partition = this.#of(facts);
    const before = partition.highWatermarks.get(nodeId);
    if (before !== undefined && before.epoch === leaderEpoch && highWatermark < before.offset)
      this.#history.violate(
        'high-watermark-went-back',
        `${this.#name(facts)}: on ${nodeId} from ${before.offset} to ${highWatermark} in epoch ${leaderEpoch}`,
      );
    partition.highWatermarks.set(nodeId, { epoch: leaderEpoch, offset: highWatermark });
    if (highWatermark <= partition.highWatermark) return;
    const from = partition.highWatermark;
    partition.highWatermark = highWatermark;
    for (const [baseOffset, byNode] of partition.checksums) {
      if (baseOffset < from || baseOffset >= highWatermark) continue;
      this.#compare(facts, baseOffset, byNode);
    }
  }

  logTruncated(
    facts: ReplicaFacts & { readonly toOffset: number; readonly highWatermark: number },
  ): void {
    if (facts.toOffset < facts.highWatermark)
      this.#history.violate(
        'truncated-committed',
        `${this.#name(facts)}: ${facts.nodeId} cuts its log to ${facts.toOffset}, below its high watermark ${facts.highWatermark}`,
      );
    for (const [baseOffset, byNode] of this.#of(facts).checksums)
      if (baseOffset >= facts.toOffset) byNode.delete(facts.nodeId);
  }

  logAppended(
    facts: ReplicaFacts & { readonly baseOffset: number; readonly batch: Uint8Array },
  ): void {
    const partition = this.#of(facts);
    const { batch, baseOffset, nodeId } = facts;
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    const checksum = view.getUint32(CRC_AT) ^ (view.getInt32(LEADER_EPOCH_AT) << 16);
    let byNode = partition.checksums.get(baseOffset);
    if (byNode === undefined) partition.checksums.set(baseOffset, (byNode = new Map()));
    byNode.set(nodeId, checksum);
    if (baseOffset < partition.highWatermark) this.#compare(facts, baseOffset, byNode);
  }

  voteGranted(facts: {
    readonly nodeId: number;
    readonly incarnation: string;
    readonly epoch: number;
    readonly candidateId: number;
  }): void {
    const key = `${facts.nodeId}/${facts.epoch}`;
    const before = this.#votes.get(key);
    if (before !== undefined && before !== facts.candidateId)
      this.#history.violate(
        'two-votes',
        `${this.#cluster}: ${facts.nodeId} votes for ${before} and for ${facts.candidateId} in epoch ${facts.epoch}`,
      );
    this.#votes.set(key, facts.candidateId);
  }

  #compare(facts: ReplicaFacts, baseOffset: number, byNode: ReadonlyMap<number, number>): void {
    const checksums = new Set(byNode.values());
    if (checksums.size < 2) return;
    this.#history.violate(
      'replicas-differ',
      `${this.#name(facts)}: the batch at ${baseOffset}, below the high watermark, differs between ${[...byNode.keys()].join(' and ')}`,
    );
  }

  #of({ topic, partition }: ReplicaFacts): Committed {
    const key = `${topic}-${partition}`;
    let of = this.#partitions.get(key);
    if (of === undefined) {
      of = {
        leaders: new Map(),
        highWatermark: 0,
        checksums: new Map(),
        highWatermarks: new Map(),
      };
      this.#partitions.set(key, of);
    }
    return of;
  }

  #name({ topic, partition }: ReplicaFacts): string {
    return `${this.#cluster}/${topic}-${partition}`;
  }
}
