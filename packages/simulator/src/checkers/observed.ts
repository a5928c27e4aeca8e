/**
 * The rules that only an observer within the brokers can see (docs/simulator.md), checked as each fact becomes true:
 *
 * - one leader an epoch, and what it wrote at an offset stands for that epoch on everybody's disk;
 * - replicas agree, batch by batch, below what each of them believes to be committed; nothing of that is cut off again;
 * - whoever is in the ISR or eligible (KIP-966) holds all that is committed, and so does whoever is elected;
 * - nothing is acknowledged with fewer than min.insync.replicas, nor before all in the ISR have it;
 * - what a node knows of a partition does not go back; one vote a node and epoch.
 *
 * A mark that moves costs what lies between the old and the new one; nothing here looks at a whole log.
 */
import type { BrokerObserver, ReplicaFacts, RoleFacts } from '@odradek/ports';
import type { History } from './history.ts';
import { ReplicaModel } from './replica-model.ts';

interface Registration {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
  readonly elr: readonly number[];
}

interface PartitionRules {
  /** By epoch: who, and where its log ended when it began. */
  readonly leaders: Map<number, { readonly nodeId: number; readonly startOffset: number }>;
  /** What any high watermark has reached. */
  committed: number;
  /** Of committed batches, by their base offset: the word that stands for the bytes. */
  readonly words: Map<number, number>;
  /** By base offset and epoch: the checksum, whoever holds it. */
  readonly written: Map<number, number>;
  readonly replicas: Map<number, ReplicaModel>;
  /** The newest that any node has told of. */
  registration: Registration | undefined;
  /** By node: the partition epoch that it was told of last. */
  readonly known: Map<number, number>;
}

/** Where a batch's leader epoch and checksum stand in its header. */
const LEADER_EPOCH_AT = 12;
const CRC_AT = 17;
/** More epochs than a partition has in a history. */
const EPOCHS_MAX = 4096;
const METADATA = '__cluster_metadata';

export class ObservedRules implements BrokerObserver {
  readonly #history: History;
  readonly #cluster: string;
  readonly #partitions = new Map<string, PartitionRules>();
  readonly #voters: readonly number[];
  readonly #votes = new Map<string, number>();
  /** By node: how far it has told its broker of the metadata. */
  readonly #applied = new Map<number, number>();

  /** `voters`: of the ensemble. */
  constructor(history: History, cluster: string, voters: readonly number[] = []) {
    this.#history = history;
    this.#cluster = cluster;
    this.#voters = voters;
  }

  /** What it knew is forgotten: it reads the metadata anew. */
  nodeStarts(nodeId: number): void {
    for (const { known } of this.#partitions.values()) known.delete(nodeId);
    this.#applied.delete(nodeId);
  }

  logOpened(
    facts: ReplicaFacts & { readonly logStartOffset: number; readonly logEndOffset: number },
  ): void {
    this.#replica(facts).opened(facts.logStartOffset, facts.logEndOffset);
  }

  logAppended(
    facts: ReplicaFacts & {
      readonly baseOffset: number;
      readonly nextOffset: number;
      readonly batch: Uint8Array;
    },
  ): void {
    const { batch, baseOffset, nextOffset } = facts;
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    const checksum = view.getUint32(CRC_AT);
    const epoch = view.getInt32(LEADER_EPOCH_AT);
    const { written } = this.#of(facts);
    const key = baseOffset * EPOCHS_MAX + epoch;
    const before = written.get(key);
    if (before !== undefined && before !== checksum)
      this.#history.violate(
        'two-leaders',
        `${this.#name(facts)}: ${facts.nodeId} writes another batch at ${baseOffset} in epoch ${epoch} than was written there before in that epoch`,
      );
    written.set(key, checksum);
    this.#replica(facts).appended(baseOffset, nextOffset, epoch, checksum ^ (epoch << 16));
  }

  logFlushed(facts: ReplicaFacts & { readonly flushedOffset: number }): void {
    this.#replica(facts).flushedOffset = facts.flushedOffset;
  }

  logTruncated(
    facts: ReplicaFacts & { readonly toOffset: number; readonly highWatermark: number },
  ): void {
    if (facts.toOffset < facts.highWatermark)
      this.#history.violate(
        'truncated-committed',
        `${this.#name(facts)}: ${facts.nodeId} cuts its log to ${facts.toOffset}, below its high watermark ${facts.highWatermark}`,
      );
    const rules = this.#of(facts);
    const replica = this.#replica(facts);
    // Whoever cuts where epochs part never meets these: all later leaders have them.
    for (const { base, word } of replica.between(facts.toOffset, rules.committed))
      if (rules.words.get(base) === word) {
        this.#history.violate(
          'truncated-committed',
          `${this.#name(facts)}: ${facts.nodeId} cuts its log to ${facts.toOffset}, and what it had at ${base} is committed`,
        );
        break;
      }
    replica.cut(facts.toOffset);
  }

  logBegunAnew(facts: ReplicaFacts & { readonly atOffset: number }): void {
    this.#replica(facts).begunAnew(facts.atOffset);
  }

  leaderBecame(facts: RoleFacts & { readonly logEndOffset: number }): void {
    const { nodeId, leaderEpoch, logEndOffset } = facts;
    const rules = this.#of(facts);
    const other = rules.leaders.get(leaderEpoch);
    if (other !== undefined && other.nodeId !== nodeId)
      this.#history.violate(
        'two-leaders',
        `${this.#name(facts)}: ${other.nodeId} and ${nodeId} lead in epoch ${leaderEpoch}`,
      );
    if (other === undefined) rules.leaders.set(leaderEpoch, { nodeId, startOffset: logEndOffset });
    // Of the other partitions the registration says who leads, and is looked at when it changes.
    if (facts.topic === METADATA) this.#mustHoldCommitted(facts, nodeId, 'is elected');
  }

  highWatermarkMoved(
    facts: RoleFacts & { readonly highWatermark: number; readonly isLeader: boolean },
  ): void {
    const { nodeId, highWatermark } = facts;
    const rules = this.#of(facts);
    const replica = this.#replica(facts);
    const before = replica.highWatermark;
    if (highWatermark < before)
      this.#history.violate(
        'high-watermark-went-back',
        `${this.#name(facts)}: on ${nodeId} from ${before} to ${highWatermark}`,
      );
    if (highWatermark > replica.endOffset)
      this.#history.violate(
        'beyond-the-log',
        `${this.#name(facts)}: ${nodeId} holds ${replica.endOffset} and believes that ${highWatermark} is committed`,
      );
    replica.highWatermark = highWatermark;
    for (const { base, word } of replica.between(before, highWatermark)) {
      const known = rules.words.get(base);
      if (known === undefined) rules.words.set(base, word);
      else if (known !== word) this.#differs(facts, nodeId, base);
    }
    if (highWatermark <= rules.committed) return;
    rules.committed = highWatermark;
    if (!facts.isLeader) return;
    if (facts.topic === METADATA) this.#majorityMustHold(facts, rules);
    else this.#membersMustHold(facts, rules);
  }

  acknowledged(
    facts: RoleFacts & {
      readonly nextOffset: number;
      readonly isr: readonly number[];
      readonly minInsyncReplicas: number;
    },
  ): void {
    const { nodeId, isr, minInsyncReplicas, nextOffset } = facts;
    const { committed } = this.#of(facts);
    if (isr.length < minInsyncReplicas)
      this.#history.violate(
        'acknowledged-by-too-few',
        `${this.#name(facts)}: ${nodeId} acknowledges up to ${nextOffset} with ${isr.join(', ')} in sync; min.insync.replicas is ${minInsyncReplicas}`,
      );
    if (nextOffset > committed)
      this.#history.violate(
        'acknowledged-uncommitted',
        `${this.#name(facts)}: ${nodeId} acknowledges up to ${nextOffset}, and ${committed} is committed`,
      );
  }

  isrChanged(
    facts: RoleFacts & {
      readonly partitionEpoch: number;
      readonly leader: number;
      readonly isr: readonly number[];
      readonly elr: readonly number[];
    },
  ): void {
    const { nodeId, partitionEpoch } = facts;
    const rules = this.#of(facts);
    const known = rules.known.get(nodeId);
    if (known !== undefined && partitionEpoch < known)
      this.#history.violate(
        'metadata-went-back',
        `${this.#name(facts)}: ${nodeId} is told of partition epoch ${partitionEpoch} after ${known}`,
      );
    rules.known.set(nodeId, partitionEpoch);
    const newest = rules.registration;
    if (newest !== undefined && partitionEpoch <= newest.partitionEpoch) return;
    const { leader, leaderEpoch, isr, elr } = facts;
    rules.registration = { leader, leaderEpoch, partitionEpoch, isr, elr };
    this.#history.note(
      this.#name(facts),
      `epoch ${leaderEpoch}.${partitionEpoch}: leader ${leader}, isr ${isr.join(' ') || '-'}, elr ${elr.join(' ') || '-'}, committed ${rules.committed}`,
    );
    if (newest !== undefined && leaderEpoch < newest.leaderEpoch)
      this.#history.violate(
        'metadata-went-back',
        `${this.#name(facts)}: leader epoch ${leaderEpoch} is registered after ${newest.leaderEpoch}`,
      );
    this.#membersMustHold(facts, rules);
    if (newest?.leaderEpoch === leaderEpoch) this.#joinersMustHoldStart(facts, rules, newest);
  }

  metadataApplied({ nodeId, offset }: { readonly nodeId: number; readonly offset: number }): void {
    const before = this.#applied.get(nodeId);
    if (before !== undefined && offset <= before)
      this.#history.violate(
        'metadata-went-back',
        `${this.#cluster}: ${nodeId} is told of the change at ${offset} after that at ${before}`,
      );
    this.#applied.set(nodeId, offset);
  }

  /** Nobody relies on anybody for it any more. */
  topicDeleted({ topic }: { readonly topic: string }): void {
    for (const [key, rules] of this.#partitions)
      if (key.startsWith(`${topic}-`)) rules.registration = undefined;
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

  /** Whether no partition relies on this node: others are in sync or eligible, and it is not. */
  canLose(nodeId: number): boolean {
    for (const { registration } of this.#partitions.values()) {
      if (registration === undefined) continue;
      const members = [...registration.isr, ...registration.elr];
      if (members.length === 0 || members.includes(nodeId)) return false;
    }
    return true;
  }

  /** Whether every partition has somebody else who is in sync or eligible. */
  othersHaveAll(nodeId: number): boolean {
    for (const { registration } of this.#partitions.values()) {
      if (registration === undefined) continue;
      if (![...registration.isr, ...registration.elr].some((it) => it !== nodeId)) return false;
    }
    return true;
  }

  committed(topic: string, partition: number): number {
    return this.#of({ nodeId: 0, topic, partition }).committed;
  }

  /** Rules 2, 4 and 5 of the design, as what they are for. */
  #membersMustHold(facts: ReplicaFacts, { registration }: PartitionRules): void {
    if (registration === undefined) return;
    for (const member of registration.isr)
      this.#mustHoldCommitted(
        facts,
        member,
        `is in the ISR at partition epoch ${registration.partitionEpoch}`,
      );
    for (const member of registration.elr)
      this.#mustHoldCommitted(
        facts,
        member,
        `is eligible at partition epoch ${registration.partitionEpoch}`,
      );
  }

  /** Raft's rule, and that of section 5.4.2: an older epoch is not committed by copies. */
  #majorityMustHold(facts: RoleFacts, { committed, replicas }: PartitionRules): void {
    const holding = this.#voters.filter(
      (it) => (replicas.get(it)?.flushedOffset ?? 0) >= committed,
    );
    if (holding.length <= this.#voters.length / 2)
      this.#history.violate(
        'committed-by-too-few',
        `${this.#name(facts)}: ${facts.nodeId} commits up to ${committed}, which is on the disks of ${holding.join(', ') || 'nobody'}`,
      );
    const epoch = replicas.get(facts.nodeId)?.epochBefore(committed);
    if (epoch !== undefined && epoch !== facts.leaderEpoch)
      this.#history.violate(
        'committed-by-too-few',
        `${this.#name(facts)}: ${facts.nodeId} counts the copies of epoch ${epoch} in epoch ${facts.leaderEpoch}`,
      );
  }

  #mustHoldCommitted(facts: ReplicaFacts, nodeId: number, why: string): void {
    const { committed, replicas, words } = this.#of(facts);
    const replica = replicas.get(nodeId);
    const flushedOffset = replica?.flushedOffset ?? 0;
    if (flushedOffset < committed) {
      this.#history.violate(
        'lacks-committed',
        `${this.#name(facts)}: ${nodeId} ${why}, and has ${flushedOffset} on its disk of the ${committed} that are committed`,
      );
      return;
    }
    // By the epochs' rule the batches before agree when the last one does.
    let last: { readonly base: number; readonly word: number } | undefined;
    for (const batch of replica?.between(replica.highWatermark, committed) ?? []) last = batch;
    const known = last && words.get(last.base);
    if (known !== undefined && known !== last!.word) this.#differs(facts, nodeId, last!.base);
  }

  /** Rule 3: who joins within an epoch had reached its start. */
  #joinersMustHoldStart(facts: RoleFacts, rules: PartitionRules, before: Registration): void {
    const start = rules.leaders.get(facts.leaderEpoch)?.startOffset ?? 0;
    for (const member of rules.registration!.isr) {
      if (before.isr.includes(member)) continue;
      const endOffset = rules.replicas.get(member)?.endOffset ?? 0;
      if (endOffset < start)
        this.#history.violate(
          'joined-too-early',
          `${this.#name(facts)}: ${member} is in sync with ${endOffset} records, and epoch ${facts.leaderEpoch} began at ${start}`,
        );
    }
  }

  #differs(facts: ReplicaFacts, nodeId: number, base: number): void {
    this.#history.violate(
      'replicas-differ',
      `${this.#name(facts)}: the batch at ${base} is committed, and another one on ${nodeId}`,
    );
  }

  #replica(facts: ReplicaFacts): ReplicaModel {
    const { replicas } = this.#of(facts);
    let model = replicas.get(facts.nodeId);
    if (model === undefined) replicas.set(facts.nodeId, (model = new ReplicaModel()));
    return model;
  }

  #of({ topic, partition }: ReplicaFacts): PartitionRules {
    const key = `${topic}-${partition}`;
    let of = this.#partitions.get(key);
    if (of === undefined) {
      of = {
        leaders: new Map(),
        committed: 0,
        words: new Map(),
        written: new Map(),
        replicas: new Map(),
        registration: undefined,
        known: new Map(),
      };
      this.#partitions.set(key, of);
    }
    return of;
  }

  #name({ topic, partition }: ReplicaFacts): string {
    return `${this.#cluster}/${topic}-${partition}`;
  }
}
