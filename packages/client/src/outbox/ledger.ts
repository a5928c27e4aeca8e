/**
 * What the sender of an outbox knows, and how that changes. Pure: a decision is what to write down (`JournalRecord`); `replay` of it is the
 * only way in which the ledger changes, on recovery and in normal running alike.
 *
 * Exactly once rests on one order of effects. Which entries go into which batch, under which identity and number, is written down and flushed
 * before anything is sent (`planned`). Whatever happens then, the same batches go out again under the same numbers, one of a partition at a time,
 * and the server tells a repetition by them (KIP-98). Only when each has its fate is that written down (`settled`).
 */
import type { Identity } from '../producer/producer.machine.ts';

export interface PlannedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly baseSequence: number;
  /** Local offsets of its entries, rising. */
  readonly locals: readonly number[];
  /** Where the partition ended when this was planned: whether the batch arrived can be looked up from there on. */
  readonly upstreamEnd: number;
}

export interface Plan {
  /** The local offset behind the last entry that was looked at. */
  readonly end: number;
  readonly batches: readonly PlannedBatch[];
  /** Those that no server would take. */
  readonly refused: readonly RefusedEntry[];
}

/** A batch that the server has: entry n stands at `baseOffset` + n. */
export interface SentBatch {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  readonly locals: readonly number[];
}

export interface RefusedEntry {
  readonly local: number;
  /** Kafka's name of the error. */
  readonly errorName: string;
  readonly reason: string;
}

interface KnownPartition {
  readonly nextSequence: number;
  /** Behind the last record of ours: a server whose log ends before that has lost some. */
  readonly endOffset: number;
  /** Entries a batch may have, after the server found one too large. */
  readonly batchMax?: number;
}

interface KnownTopic {
  readonly topicId: string;
  readonly partitions: Readonly<Record<number, KnownPartition>>;
}

export interface Ledger {
  /** Everything below has its fate, but for what is in `again`. */
  readonly position: number;
  /** Below the position, and to be sent before all else: local offsets, rising. */
  readonly again: readonly number[];
  readonly clusterId: string | null;
  readonly identity: Identity | null;
  readonly topics: Readonly<Record<string, KnownTopic>>;
  readonly plan: Plan | null;
  /** Sent lately and still held: were the server restored from a backup, they would go out again. Oldest first. */
  readonly kept: readonly SentBatch[];
  readonly sentCount: number;
  readonly refusedCount: number;
}

export type NoticeKind =
  | 'producerExpired'
  | 'serverWentBack'
  | 'topicRecreated'
  | 'clusterChanged'
  | 'topicMissing';

/** Something about the server that a person should know. Nothing is lost by it. */
export interface Notice {
  readonly kind: NoticeKind;
  readonly message: string;
  readonly atMs: number;
}

export type JournalEvent =
  | { readonly type: 'planned'; readonly plan: Plan; readonly clusterId: string | null }
  | {
      readonly type: 'settled';
      readonly sent: readonly SentBatch[];
      readonly refused: readonly RefusedEntry[];
      /** Without a fate yet, and to be planned anew. */
      readonly unsettled: readonly number[];
      /** Batches that were too large as one. */
      readonly tooLarge: readonly PlannedBatch[];
      /** The server does not know the identity any more: the next plan needs another one. */
      readonly isIdentityLost: boolean;
    }
  | { readonly type: 'identity.taken'; readonly identity: Identity }
  | { readonly type: 'topic.seen'; readonly topic: string; readonly topicId: string }
  | {
      /** The server's log ends before records that it had acknowledged. */
      readonly type: 'server.wentBack';
      readonly topic: string;
      readonly partition: number;
      readonly endOffset: number;
    };

/** Entries that are held after they were sent. */
export const KEPT_ENTRIES_MAX = 1000;
const SEQUENCES = 2 ** 31;

export const EMPTY_LEDGER: Ledger = {
  position: 0,
  again: [],
  clusterId: null,
  identity: null,
  topics: {},
  plan: null,
  kept: [],
  sentCount: 0,
  refusedCount: 0,
};

export function replay(ledger: Ledger, event: JournalEvent): Ledger {
  switch (event.type) {
    case 'planned':
      return { ...ledger, plan: event.plan, clusterId: event.clusterId };
    case 'settled':
      return settled(ledger, event);
    case 'identity.taken':
      // A new producer's numbers begin at 0, in every partition.
      return {
        ...ledger,
        identity: event.identity,
        topics: mapPartitions(ledger.topics, (known) => ({ ...known, nextSequence: 0 })),
      };
    case 'topic.seen':
      // A topic of the same name that is another one: what was known of the old one says nothing.
      return ledger.topics[event.topic]?.topicId === event.topicId
        ? ledger
        : {
            ...ledger,
            topics: {
              ...ledger.topics,
              [event.topic]: { topicId: event.topicId, partitions: {} },
            },
            kept: ledger.kept.filter(({ topic }) => topic !== event.topic),
          };
    case 'server.wentBack':
      return wentBack(ledger, event);
  }
}

export const partitionOf = (
  ledger: Ledger,
  topic: string,
  partition: number,
): KnownPartition | undefined => ledger.topics[topic]?.partitions[partition];

/** Below this, entries are not needed any more. */
export const heldFrom = ({ position, again, kept }: Ledger): number =>
  Math.min(position, again[0] ?? position, ...kept.map(({ locals }) => locals[0] ?? position));

function settled(
  ledger: Ledger,
  {
    sent,
    refused,
    unsettled,
    tooLarge,
    isIdentityLost,
  }: Extract<JournalEvent, { type: 'settled' }>,
): Ledger {
  const { plan } = ledger;
  if (plan === null) throw new Error('fates without a plan');
  const told = new Set([
    ...sent.flatMap(({ locals }) => locals),
    ...refused.map(({ local }) => local),
  ]);
  const again = [...ledger.again.filter((local) => !told.has(local)), ...unsettled];
  let { topics } = ledger;
  for (const { topic, partition, baseOffset, locals } of sent) {
    const batch = plan.batches.find((each) => each.topic === topic && each.partition === partition);
    const { batchMax, endOffset = 0 } = topics[topic]?.partitions[partition] ?? {};
    const grown = batchMax === undefined ? undefined : batchMax * 2;
    topics = withPartition(topics, topic, partition, {
      nextSequence: ((batch?.baseSequence ?? 0) + locals.length) % SEQUENCES,
      endOffset: baseOffset < 0 ? endOffset : Math.max(endOffset, baseOffset + locals.length),
      ...(grown !== undefined && grown < KEPT_ENTRIES_MAX && { batchMax: grown }),
    });
  }
  for (const { topic, partition, baseSequence, locals } of tooLarge) {
    topics = withPartition(topics, topic, partition, {
      nextSequence: baseSequence,
      endOffset: topics[topic]?.partitions[partition]?.endOffset ?? 0,
      batchMax: Math.max(1, locals.length >> 1),
    });
  }
  return {
    ...ledger,
    topics,
    plan: null,
    identity: isIdentityLost ? null : ledger.identity,
    position: Math.max(ledger.position, plan.end),
    again: [...new Set(again)].sort((a, b) => a - b),
    kept: newest([...ledger.kept, ...sent]),
    sentCount: ledger.sentCount + sent.reduce((sum, { locals }) => sum + locals.length, 0),
    refusedCount: ledger.refusedCount + refused.length,
  };
}

function wentBack(
  ledger: Ledger,
  { topic, partition, endOffset }: Extract<JournalEvent, { type: 'server.wentBack' }>,
): Ledger {
  const isOfIt = (batch: SentBatch): boolean =>
    batch.topic === topic &&
    batch.partition === partition &&
    batch.baseOffset + batch.locals.length > endOffset;
  const lost = ledger.kept
    .filter(isOfIt)
    .flatMap(({ baseOffset, locals }) => locals.slice(Math.max(0, endOffset - baseOffset)));
  return {
    ...ledger,
    again: [...new Set([...ledger.again, ...lost])].sort((a, b) => a - b),
    kept: ledger.kept.filter((batch) => !isOfIt(batch)),
    sentCount: ledger.sentCount - lost.length,
    // Its memory of our numbers is as old as its log: another identity.
    identity: null,
    topics: withPartition(ledger.topics, topic, partition, { nextSequence: 0, endOffset }),
  };
}

function newest(kept: readonly SentBatch[]): readonly SentBatch[] {
  let count = 0;
  let first = kept.length;
  while (first > 0 && count < KEPT_ENTRIES_MAX) count += kept[--first]!.locals.length;
  return kept.slice(first);
}

type Topics = Ledger['topics'];

const withPartition = (
  topics: Topics,
  topic: string,
  partition: number,
  known: KnownPartition,
): Topics => ({
  ...topics,
  [topic]: {
    topicId: topics[topic]?.topicId ?? '',
    partitions: { ...topics[topic]?.partitions, [partition]: known },
  },
});

const mapPartitions = (topics: Topics, change: (known: KnownPartition) => KnownPartition): Topics =>
  Object.fromEntries(
    Object.entries(topics).map(([name, { topicId, partitions }]) => [
      name,
      {
        topicId,
        partitions: Object.fromEntries(
          Object.entries(partitions).map(([index, known]) => [index, change(known)]),
        ),
      },
    ]),
  );
