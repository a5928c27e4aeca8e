/** One partition as a consumer holds it: where it is, what was fetched, what is being worked on. */
import { FinishedPrefix } from './finished-prefix.ts';
import type { ConsumerRecord, Fetched } from './fetched.ts';
import type { TopicPartition } from './topic-partition.ts';

export class PartitionState implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Of the next record to hand out; undefined until it is looked up. */
  position: number | undefined;
  /** Of the record before it: what its place in the log is checked by (KIP-320). -1 when not known. */
  positionEpoch = -1;
  /** The leader's epoch under which the position is known to be right; undefined before the first fetch. */
  checkedEpoch: number | undefined;
  /** Where to look for a position, when it is not the committed offset's: a seek, or the reset policy. */
  resetTo: StartingAt | undefined;
  isPaused = false;
  /** Whether it is (still) its consumer's. */
  isHeld = false;
  /** The replica that the leader sends this consumer to, being nearer; undefined for the leader itself (KIP-392). */
  preferred: PreferredReplica | undefined;
  /** The leader has changed: whether the position is still in its log must be asked. */
  isDoubtful = false;
  /** Nothing more is handed out: it is being given back. */
  isRevoked = false;
  /** Raised when fetches under way have become meaningless. */
  version = 0;
  /** The fetch under way that asks for it. It is meaningless under another version. */
  asked: { readonly nodeId: number; readonly version: number } | undefined;
  /** Whether there is something to fetch at once, as far as is known. */
  mayHaveMore = true;
  fetched: Fetched[] = [];
  bufferedBytes = 0;
  /** The batch that is being handed out, and how far. */
  records: readonly ConsumerRecord[] = [];
  recordsAt = 0;
  /** Behind the last batch that was read. */
  readOffset = 0;
  /** Of the next record to fetch. */
  fetchOffset = 0;
  prefix = new FinishedPrefix(0);
  committedOffset = -1;
  highWatermark = -1;
  logStartOffset = -1;
  /** Since when the broker answers with an error for it; undefined when it does not. */
  troubledSinceMs: number | undefined;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get hasRecords(): boolean {
    return this.recordsAt < this.records.length;
  }

  /** Who is asked for it now. */
  get askedOf(): number | undefined {
    return this.asked?.version === this.version ? this.asked.nodeId : undefined;
  }

  /** What a fetch under way may still bring counts for nothing. */
  disownFetch(): void {
    this.version += 1;
    this.mayHaveMore = true;
  }

  /** Whether its records are handed out now. */
  get isServed(): boolean {
    return this.isHeld && !this.isPaused && !this.isRevoked && this.position !== undefined;
  }

  /** Whether reading on under this leader would be on trust. */
  mustCheck(leaderEpoch: number): boolean {
    return (
      this.checkedEpoch !== undefined &&
      this.positionEpoch >= 0 &&
      leaderEpoch >= 0 &&
      leaderEpoch > this.checkedEpoch
    );
  }

  moveTo(offset: number, epoch = -1): void {
    this.position = offset;
    this.positionEpoch = epoch;
    this.resetTo = undefined;
    this.prefix = new FinishedPrefix(offset);
    this.dropFetched();
  }

  /** The position is to be looked up anew. */
  forgetPosition(resetTo: StartingAt | undefined): void {
    this.position = undefined;
    this.resetTo = resetTo;
    this.dropFetched();
  }

  dropFetched(): void {
    this.disownFetch();
    this.fetched = [];
    this.bufferedBytes = 0;
    this.records = [];
    this.recordsAt = 0;
    this.fetchOffset = this.position ?? 0;
  }
}

export interface PreferredReplica {
  readonly nodeId: number;
  /** Then the leader is asked again which it is. */
  readonly untilMs: number;
}

export type StartingAt = 'earliest' | 'latest' | { readonly timestampMs: number };
