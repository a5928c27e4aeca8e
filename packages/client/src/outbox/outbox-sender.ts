/**
 * Sends what is in an outbox to the server, each entry once and in order, however often it is cut off, killed or started again. One of these runs
 * for an outbox; any number of tabs append to it (outbox.ts). It is the shell around outbox-sender.machine.ts: here are the effects.
 */
import { ErrorCode, errorName } from '@odradek/protocol';
import { createActor, fromPromise } from 'xstate';
import type { Actor } from 'xstate';
import { deleteRecords } from '../admin/topics.ts';
import { AbortSource } from '../abort-source.ts';
import type { Cluster } from '../cluster.ts';
import { keyOf } from '../consumer/topic-partition.ts';
import { BrokerError, ClientError, isRetriable } from '../errors.ts';
import { Producer } from '../producer/producer.ts';
import { readTopic } from '../reader.ts';
import { backoffMs } from '../retry.ts';
import type { RetryPolicy } from '../retry.ts';
import { Delivery } from './delivery.ts';
import { toEntry } from './entry.ts';
import type { OutboxEntry } from './entry.ts';
import { Journal } from './journal.ts';
import { EMPTY_LEDGER, heldFrom, partitionOf, replay } from './ledger.ts';
import type { JournalEvent, Ledger, Notice, NoticeKind } from './ledger.ts';
import { outboxSenderMachine } from './outbox-sender.machine.ts';
import { planRound } from './plan.ts';
import type { Destination } from './plan.ts';
import { toLetter } from './refused.ts';
import { OUTBOX_PARTITION, ensureOutboxTopics, outboxTopics } from './topics.ts';
import type { OutboxTopics } from './topics.ts';
import { Upstream } from './upstream.ts';

export interface OutboxSenderOptions {
  /** The outbox's name: the topic on the local broker. */
  readonly name?: string;
  /** Whether the server may create topics that it does not have. */
  readonly mayCreateTopics?: boolean;
  /** How long a topic may be missing before what is for it is refused. */
  readonly missingTopicMs?: number;
  readonly retry?: Partial<Pick<RetryPolicy, 'backoffMs' | 'backoffMaxMs'>>;
}

/** The server is another cluster than the one that the outbox has sent to before. */
export class OtherCluster extends ClientError {
  override readonly name = 'OtherCluster';
  readonly retriable = false;
}

const MISSING_TOPIC_MS = 60_000;
const RETRY: RetryPolicy = { timeoutMs: 0, backoffMs: 500, backoffMaxMs: 30_000 };
const LIMITS = { batchBytes: 128 * 1024, requestBytes: 768 * 1024, batchEntries: 1000 };
/** Entries that are looked at for one plan. */
const ROUND_ENTRIES_MAX = 4000;
/** Local entries are removed when so many have become superfluous. */
const TRIM_ENTRIES = 1000;

export class OutboxSender {
  readonly actor: Actor<typeof outboxSenderMachine>;
  readonly topics: OutboxTopics;
  readonly #local: Cluster;
  readonly #upstream: Upstream;
  readonly #options: OutboxSenderOptions;
  readonly #abort = new AbortSource();
  readonly #producer: Producer;
  readonly #journal: Journal;
  #ledger: Ledger = EMPTY_LEDGER;
  #delivery: Delivery | undefined;
  #trimmedTo = 0;
  #mayChangeCluster = false;
  readonly #missingSinceMs = new Map<string, number>();

  constructor(local: Cluster, upstream: Cluster, options: OutboxSenderOptions = {}) {
    this.topics = outboxTopics(options.name);
    this.#local = local;
    this.#upstream = new Upstream(upstream);
    this.#options = options;
    this.#producer = new Producer(local);
    this.#journal = new Journal(local, this.#producer, this.topics.journal, this.#abort);
    const policy = { ...RETRY, ...options.retry };
    const logic = outboxSenderMachine.provide({
      delays: {
        retryBackoff: ({ context }) => backoffMs(local.host, policy, context.failures - 1),
      },
      guards: { needsSomebody: (_, { error }) => !isRetriable(error) },
      actors: {
        recover: fromPromise(() => this.#recover()),
        awaitEntry: fromPromise(() => this.#awaitEntry()),
        makePlan: fromPromise(() => this.#makePlan()),
        deliver: fromPromise(() => this.#delivery!.attempt()),
        settle: fromPromise(() => this.#settle()),
      },
    });
    this.actor = createActor(logic, { clock: local.host.clock }).start();
  }

  /** The host has heard that the network is back. */
  reachable(): void {
    this.#tell({ type: 'upstream.reachable' });
  }

  /** After it stalled. `acceptCluster`: what is left may go to the cluster that is there now. */
  resume({ acceptCluster = false } = {}): void {
    this.#mayChangeCluster ||= acceptCluster;
    this.#tell({ type: 'resume.requested' });
  }

  async close(): Promise<void> {
    this.#tell({ type: 'close.requested' });
    this.#abort.abort(new Error('the outbox was closed'));
    await this.#producer.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #recover(): Promise<boolean> {
    await ensureOutboxTopics(this.#local, this.topics);
    this.#ledger = await this.#journal.recover();
    this.#trimmedTo = heldFrom(this.#ledger);
    const { plan, identity } = this.#ledger;
    if (plan === null) return false;
    // Nobody knows what was sent of it.
    const locals = new Set(plan.batches.flatMap((batch) => batch.locals));
    const entries = locals.size === 0 ? [] : await this.#readThese(locals);
    this.#delivery = new Delivery({
      host: this.#local.host,
      upstream: this.#upstream,
      plan,
      identity: identity!,
      entries,
      isUncertain: true,
    });
    return true;
  }

  async #awaitEntry(): Promise<void> {
    const { position, again } = this.#ledger;
    if (again.length > 0) return;
    const { entries: topic } = this.topics;
    const signal = this.#abort;
    for await (const _ of readTopic(this.#local, { topic, from: { offset: position }, signal }))
      return;
  }

  async #makePlan(): Promise<boolean> {
    for (;;) {
      const entries = await this.#nextEntries();
      if (entries.length === 0) return false;
      const names = [...new Set(entries.map(({ topic }) => topic))];
      const { clusterId, topics } = await this.#upstream.survey(
        names,
        this.#options.mayCreateTopics ?? false,
      );
      const events: JournalEvent[] = [];
      const notices: Notice[] = [];
      this.#checkCluster(clusterId, notices);
      const destinations = new Map<string, Destination>();
      for (const name of names) {
        const seen = topics.get(name);
        const destination = this.#destination(name, seen?.errorCode, seen?.partitionCount ?? 0);
        destinations.set(name, destination);
        if (!('partitionCount' in destination)) continue;
        const known = this.#ledger.topics[name]?.topicId;
        if (known === seen!.topicId) continue;
        events.push({ type: 'topic.seen', topic: name, topicId: seen!.topicId });
        if (known !== undefined)
          notices.push(
            this.#notice(
              'topicRecreated',
              `${name} was deleted and created again since something was last sent to it`,
            ),
          );
      }
      const seenLedger = events.reduce(replay, this.#ledger);
      const placed = planRound(seenLedger, entries, destinations, LIMITS);
      const ends = await this.#upstream.ends(placed.batches);
      const isBehind = this.#wentBack(seenLedger, placed.batches, ends, events, notices);
      let ledger = events.reduce(replay, this.#ledger);
      if (ledger.identity === null) {
        const identity = await this.#upstream.takeIdentity();
        events.push({ type: 'identity.taken', identity });
        ledger = replay(ledger, events.at(-1)!);
      }
      const isRenumbered =
        isBehind || ledger.identity?.producerId !== this.#ledger.identity?.producerId;
      if (!isRenumbered) {
        const batches = placed.batches.map((batch) => ({
          ...batch,
          upstreamEnd: ends.get(keyOf(batch)) ?? 0,
        }));
        events.push({ type: 'planned', plan: { ...placed, batches }, clusterId });
      }
      await this.#write(events, notices);
      // Under a new identity, or with more to send: planned from the beginning.
      if (isRenumbered) continue;
      this.#delivery = new Delivery({
        host: this.#local.host,
        upstream: this.#upstream,
        plan: this.#ledger.plan!,
        identity: this.#ledger.identity!,
        entries,
        isUncertain: false,
      });
      return true;
    }
  }

  async #settle(): Promise<void> {
    const { fates, notices } = this.#delivery!;
    const refused = [...this.#ledger.plan!.refused, ...fates.refused];
    if (refused.length > 0) {
      // Kept before they leave the outbox; once more after a crash, under the same key.
      const entries = await this.#readThese(new Set(refused.map(({ local }) => local)));
      await this.#producer.send(
        this.topics.refused,
        refused.map((fate) =>
          toLetter(
            fate,
            entries.find(({ localOffset }) => localOffset === fate.local)!,
          ),
        ),
      );
    }
    await this.#write(
      [{ type: 'settled', ...fates, refused }],
      notices.map(({ kind, message }) => this.#notice(kind, message)),
    );
    this.#delivery = undefined;
    await this.#trim();
  }

  async #write(events: readonly JournalEvent[], notices: readonly Notice[]): Promise<void> {
    if (events.length === 0) return;
    const ledger = events.reduce(replay, this.#ledger);
    await this.#journal.write({ events, notices, ledger });
    this.#ledger = ledger;
  }

  #checkCluster(clusterId: string | null, notices: Notice[]): void {
    const known = this.#ledger.clusterId;
    if (known === null || clusterId === null || known === clusterId) return;
    const message = `the outbox was sent to cluster ${known} so far, and the server is cluster ${clusterId}`;
    if (!this.#mayChangeCluster)
      throw new OtherCluster(`${message}: resume with acceptCluster if that is meant`);
    notices.push(this.#notice('clusterChanged', message));
  }

  /** Throws, to be tried again, while a topic may still come. */
  #destination(topic: string, errorCode: number | undefined, partitionCount: number): Destination {
    const code = errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (code === ErrorCode.NONE && partitionCount > 0) {
      this.#missingSinceMs.delete(topic);
      return { partitionCount };
    }
    const error = new BrokerError(code === ErrorCode.NONE ? ErrorCode.LEADER_NOT_AVAILABLE : code, {
      topic,
      retriable: true,
    });
    const isMissing = code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (!isMissing && isRetriable(new BrokerError(code))) throw error;
    if (isMissing) {
      const nowMs = this.#local.host.clock.monotonicMs();
      const sinceMs = this.#missingSinceMs.get(topic) ?? nowMs;
      this.#missingSinceMs.set(topic, sinceMs);
      if (nowMs - sinceMs < (this.#options.missingTopicMs ?? MISSING_TOPIC_MS)) throw error;
    }
    return { errorName: errorName(code), reason: error.message };
  }

  /** A server whose log ends before what it had acknowledged: restored from a backup, or it elected an unclean leader. */
  #wentBack(
    ledger: Ledger,
    batches: readonly { readonly topic: string; readonly partition: number }[],
    ends: ReadonlyMap<string, number>,
    events: JournalEvent[],
    notices: Notice[],
  ): boolean {
    let isBehind = false;
    for (const { topic, partition } of batches) {
      const had = partitionOf(ledger, topic, partition)?.endOffset ?? 0;
      const endOffset = ends.get(keyOf({ topic, partition })) ?? 0;
      if (endOffset >= had) continue;
      isBehind = true;
      events.push({ type: 'server.wentBack', topic, partition, endOffset });
      notices.push(
        this.#notice(
          'serverWentBack',
          `${topic}-${partition} ends at ${endOffset} on the server, which had acknowledged records up to ${had}: what is still held of them is sent again`,
        ),
      );
    }
    return isBehind;
  }

  async #nextEntries(): Promise<readonly OutboxEntry[]> {
    const { again, position } = this.#ledger;
    const first = again.length === 0 ? [] : await this.#readThese(new Set(again));
    const entries = [...first];
    const records = readTopic(this.#local, {
      topic: this.topics.entries,
      from: { offset: position },
      until: { at: 'latest' },
      signal: this.#abort,
    });
    let bytes = 0;
    for await (const some of records) {
      for (const record of some) {
        const entry = toEntry(record);
        entries.push(entry);
        bytes += entry.sizeBytes;
      }
      if (entries.length >= ROUND_ENTRIES_MAX || bytes >= LIMITS.requestBytes) break;
    }
    return entries.slice(0, Math.max(first.length, ROUND_ENTRIES_MAX));
  }

  /** By local offset. */
  async #readThese(locals: ReadonlySet<number>): Promise<readonly OutboxEntry[]> {
    const sorted = [...locals].sort((a, b) => a - b);
    const records = readTopic(this.#local, {
      topic: this.topics.entries,
      from: { offset: sorted[0]! },
      until: { offset: sorted.at(-1)! + 1 },
      signal: this.#abort,
    });
    const entries: OutboxEntry[] = [];
    for await (const some of records)
      for (const record of some) if (locals.has(record.offset)) entries.push(toEntry(record));
    return entries;
  }

  async #trim(): Promise<void> {
    const offset = heldFrom(this.#ledger);
    if (offset - this.#trimmedTo < TRIM_ENTRIES) return;
    const { entries: topic } = this.topics;
    await deleteRecords(this.#local, [{ topic, partition: OUTBOX_PARTITION, offset }]);
    this.#trimmedTo = offset;
  }

  #notice(kind: NoticeKind, message: string): Notice {
    return { kind, message, atMs: this.#local.host.clock.wallTimeMs() };
  }

  #tell(event: Parameters<Actor<typeof outboxSenderMachine>['send']>[0]): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }
}
