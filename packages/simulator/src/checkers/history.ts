/**
 * What the clients have asked for, and what they have been told: the only thing that the checkers judge by. An operation that ended
 * in an error may have happened or not; only what is acknowledged must be there, and nothing may be there that was not sent.
 *
 * What contradicts what is known already is found at once, so that a history ends where it went wrong. The rest is found by
 * final-log.ts when all is read again.
 */
import type { Scheduler } from '../time/scheduler.ts';

/** By Jepsen's names where it has one. */
export type Rule =
  | 'lost-write'
  | 'lost-read'
  | 'duplicate'
  | 'nonmonotonic-send'
  | 'inconsistent-offset'
  | 'phantom'
  | 'nonmonotonic-poll'
  | 'skipped-poll'
  | 'two-owners'
  | 'commit-went-back'
  | 'commit-beyond-read'
  | 'unread-commit'
  | 'lost-topic'
  | 'deleted-topic-returned'
  | 'high-watermark-went-back'
  | 'two-leaders'
  | 'truncated-committed'
  | 'replicas-differ'
  | 'two-votes'
  | 'beyond-the-log'
  | 'lacks-committed'
  | 'committed-by-too-few'
  | 'joined-too-early'
  | 'acknowledged-by-too-few'
  | 'acknowledged-uncommitted'
  | 'metadata-went-back'
  | 'read-uncommitted'
  | 'stale-tree'
  | 'two-holders'
  | 'not-live'
  | 'unhandled-error';

export interface Violation {
  readonly rule: Rule;
  readonly text: string;
  readonly atMs: number;
}

export interface Send {
  readonly value: string;
  readonly producer: number;
  /** Counted by the producer for each partition, from 0. */
  readonly number: number;
  readonly invokedMs: number;
  outcome: 'pending' | 'ok' | 'unknown';
  /** -1: acknowledged without saying where. */
  offset: number;
}

/** One partition of one cluster. */
export interface PartitionHistory {
  readonly name: string;
  readonly topic: string;
  readonly partition: number;
  readonly sends: Map<string, Send>;
  /** Whatever anybody has been told of an offset. */
  readonly at: Map<number, { readonly value: string; readonly by: string }>;
  /** How far the brokers have committed; absent where they do not tell, as one that is alone. */
  committed?: () => number;
}

export interface Counts {
  sent: number;
  acknowledged: number;
  unknown: number;
  polled: number;
  committed: number;
  admin: number;
  /** Operations on the coordination tree whose outcome is known. */
  tree: number;
}

export class History {
  readonly partitions = new Map<string, PartitionHistory>();
  readonly counts: Counts = {
    sent: 0,
    acknowledged: 0,
    unknown: 0,
    polled: 0,
    committed: 0,
    admin: 0,
    tree: 0,
  };
  violation: Violation | undefined;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Only the first is kept: others follow from it. */
  violate(rule: Rule, text: string): void {
    if (this.violation !== undefined) return;
    this.violation = { rule, text, atMs: this.#scheduler.nowMs };
    this.#scheduler.trace.milestone('checker', `${rule}: ${text}`);
  }

  /** For whoever reads the trace. */
  note(who: string, text: string): void {
    this.#scheduler.trace.say(who, text);
  }

  partition(cluster: string, topic: string, partition: number): PartitionHistory {
    const name = `${cluster}/${topic}-${partition}`;
    let history = this.partitions.get(name);
    if (history === undefined) {
      history = { name, topic, partition, sends: new Map(), at: new Map() };
      this.partitions.set(name, history);
    }
    return history;
  }

  invoked(partition: PartitionHistory, producer: number, number: number): Send {
    const send: Send = {
      value: valueOf(producer, number),
      producer,
      number,
      invokedMs: this.#scheduler.nowMs,
      outcome: 'pending',
      offset: -1,
    };
    partition.sends.set(send.value, send);
    this.counts.sent += 1;
    return send;
  }

  acknowledged(partition: PartitionHistory, send: Send, offset: number): void {
    send.outcome = 'ok';
    send.offset = offset;
    this.counts.acknowledged += 1;
    if (offset >= 0)
      this.told(partition, offset, send.value, `the acknowledgement to producer ${send.producer}`);
  }

  unknown(send: Send): void {
    send.outcome = 'unknown';
    this.counts.unknown += 1;
  }

  /** Somebody was told that this value lies there. */
  told(partition: PartitionHistory, offset: number, value: string, by: string): void {
    const known = partition.at.get(offset);
    if (known === undefined) {
      partition.at.set(offset, { value, by });
      if (!partition.sends.has(value))
        this.violate(
          'phantom',
          `${partition.name}@${offset} holds ${value}, says ${by}: nobody sent it there`,
        );
    } else if (known.value !== value)
      this.violate(
        'inconsistent-offset',
        `${partition.name}@${offset} is ${known.value} by ${known.by}, and ${value} by ${by}`,
      );
  }

  polled(partition: PartitionHistory, offset: number, value: string, by: string): void {
    this.counts.polled += 1;
    const committed = partition.committed?.();
    if (committed !== undefined && offset >= committed)
      this.violate(
        'read-uncommitted',
        `${by} is given ${partition.name}@${offset}, and ${committed} is committed`,
      );
    this.told(partition, offset, value, by);
  }
}

/** Unique in its partition, and its order can be read from it. */
export const valueOf = (producer: number, number: number): string => `${producer}.${number}`;

export const encodeValue = (value: string, paddingBytes: number): Uint8Array => {
  const bytes = new Uint8Array(value.length + 1 + paddingBytes);
  for (let i = 0; i < value.length; i += 1) bytes[i] = value.charCodeAt(i);
  bytes[value.length] = PADDING;
  bytes.fill(PADDING, value.length);
  return bytes;
};

export const decodeValue = (bytes: Uint8Array | null): string => {
  if (bytes === null) return '(null)';
  let value = '';
  for (let i = 0; i < bytes.length && bytes[i] !== PADDING; i += 1)
    value += String.fromCharCode(bytes[i]!);
  return value;
};

/** A space. */
const PADDING = 0x20;
