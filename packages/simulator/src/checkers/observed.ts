/**
 * The rules that only an observer within the brokers can see (docs/simulator.md), checked as each fact becomes true. Here what the
 * brokers tell is handed to the rules that it concerns.
 */
import type { BrokerObserver, ReplicaFacts } from '@odradek/ports';
import { EnsembleRules } from './ensemble-rules.ts';
import type { History } from './history.ts';
import { LogRules } from './log-rules.ts';
import { MembershipRules } from './membership-rules.ts';
import { METADATA, WatchedPartitions } from './watched-partitions.ts';

type Told<Name extends keyof BrokerObserver> = Parameters<NonNullable<BrokerObserver[Name]>>[0];

export class ObservedRules implements BrokerObserver {
  readonly #watched: WatchedPartitions;
  readonly #logs: LogRules;
  readonly #members: MembershipRules;
  readonly #ensemble: EnsembleRules;

  /** `voters`: of the ensemble. */
  constructor(history: History, cluster: string, voters: readonly number[] = []) {
    this.#watched = new WatchedPartitions(history, cluster);
    this.#logs = new LogRules(this.#watched);
    this.#members = new MembershipRules(this.#watched);
    this.#ensemble = new EnsembleRules(this.#watched, voters);
  }

  /** What it knew is forgotten: it reads the metadata anew. */
  nodeStarts(nodeId: number): void {
    for (const { known } of this.#watched.all()) known.delete(nodeId);
    this.#ensemble.nodeStarts(nodeId);
  }

  canLose(nodeId: number): boolean {
    return this.#members.canLose(nodeId);
  }

  othersHaveAll(nodeId: number): boolean {
    return this.#members.othersHaveAll(nodeId);
  }

  committed(topic: string, partition: number): number {
    return this.#watched.of({ topic, partition }).committed;
  }

  logOpened(facts: Told<'logOpened'>): void {
    this.#watched.replica(facts).opened(facts.logStartOffset, facts.logEndOffset);
  }

  logAppended(facts: Told<'logAppended'>): void {
    this.#logs.appended(facts, facts.baseOffset, facts.nextOffset, facts.batch);
  }

  logFlushed(facts: Told<'logFlushed'>): void {
    this.#watched.replica(facts).flushedOffset = facts.flushedOffset;
  }

  logTruncated(facts: Told<'logTruncated'>): void {
    this.#logs.truncated(facts, facts.toOffset, facts.highWatermark);
  }

  logBegunAnew(facts: Told<'logBegunAnew'>): void {
    this.#watched.replica(facts).begunAnew(facts.atOffset);
  }

  leaderBecame(facts: Told<'leaderBecame'>): void {
    this.#members.leaderBecame(facts, facts.logEndOffset);
    // Of the other partitions the registration says who leads, and is looked at when it changes.
    if (isMetadata(facts)) this.#members.mustHoldCommitted(facts, facts.nodeId, 'is elected');
  }

  highWatermarkMoved(facts: Told<'highWatermarkMoved'>): void {
    const isMore = this.#logs.highWatermarkMoved(facts, facts.highWatermark);
    if (!isMore || !facts.isLeader) return;
    if (isMetadata(facts)) this.#ensemble.majorityMustHold(facts);
    else this.#members.membersMustHold(facts);
  }

  acknowledged(facts: Told<'acknowledged'>): void {
    this.#members.acknowledged(facts, facts.nextOffset, facts.isr, facts.minInsyncReplicas);
  }

  isrChanged(facts: Told<'isrChanged'>): void {
    const { leader, leaderEpoch, partitionEpoch, isr, elr } = facts;
    this.#members.registered(facts, { leader, leaderEpoch, partitionEpoch, isr, elr });
  }

  /** Nobody relies on anybody for it any more. */
  topicDeleted({ topic }: Told<'topicDeleted'>): void {
    for (const partition of this.#watched.ofTopic(topic)) partition.registration = undefined;
  }

  metadataApplied({ nodeId, offset }: Told<'metadataApplied'>): void {
    this.#ensemble.applied(nodeId, offset);
  }

  voteGranted({ nodeId, epoch, candidateId }: Told<'voteGranted'>): void {
    this.#ensemble.voted(nodeId, epoch, candidateId);
  }
}

const isMetadata = ({ topic }: ReplicaFacts): boolean => topic === METADATA;
