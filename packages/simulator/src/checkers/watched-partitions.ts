/**
 * What is known of a cluster's partitions from what its brokers tell (ports/src/probe.ts): who leads, what each replica holds, what
 * is committed, what is registered. The rules that are checked against it stand in log-rules.ts, membership-rules.ts and
 * ensemble-rules.ts.
 */
import type { ReplicaFacts } from '@odradek/ports';
import type { History, Rule } from './history.ts';
import { ReplicaModel } from './replica-model.ts';

export interface Registration {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
  readonly elr: readonly number[];
}

export interface WatchedPartition {
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

/** The ensemble's log. */
export const METADATA = '__cluster_metadata';

export class WatchedPartitions {
  readonly #history: History;
  readonly #cluster: string;
  readonly #partitions = new Map<string, WatchedPartition>();

  constructor(history: History, cluster: string) {
    this.#history = history;
    this.#cluster = cluster;
  }

  all(): Iterable<WatchedPartition> {
    return this.#partitions.values();
  }

  ofTopic(topic: string): readonly WatchedPartition[] {
    return [...this.#partitions].filter(([key]) => key.startsWith(`${topic}-`)).map(([, it]) => it);
  }

  of({ topic, partition }: Pick<ReplicaFacts, 'topic' | 'partition'>): WatchedPartition {
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

  replica(facts: ReplicaFacts): ReplicaModel {
    const { replicas } = this.of(facts);
    let model = replicas.get(facts.nodeId);
    if (model === undefined) replicas.set(facts.nodeId, (model = new ReplicaModel()));
    return model;
  }

  violate(rule: Rule, { topic, partition }: ReplicaFacts, text: string): void {
    this.#history.violate(rule, `${this.#cluster}/${topic}-${partition}: ${text}`);
  }

  /** Two replicas hold other bytes where something is committed. */
  differs(facts: ReplicaFacts, nodeId: number, base: number): void {
    this.violate(
      'replicas-differ',
      facts,
      `the batch at ${base} is committed, and another one on ${nodeId}`,
    );
  }

  violateCluster(rule: Rule, text: string): void {
    this.#history.violate(rule, `${this.#cluster}: ${text}`);
  }

  /** For whoever reads the trace. */
  note({ topic, partition }: ReplicaFacts, text: string): void {
    this.#history.note(`${this.#cluster}/${topic}-${partition}`, text);
  }
}
