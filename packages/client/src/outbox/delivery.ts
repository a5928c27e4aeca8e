/**
 * One plan on its way: each attempt sends the batches that have no fate yet, the same bytes under the same numbers. Before a batch is given back
 * (to be refused, split or planned anew) that may have been taken, the server's log is asked whether it has it.
 */
import { buildBatch } from '@odradek/protocol';
import type { ClientHost } from '../host.ts';
import type { Identity } from '../producer/producer.machine.ts';
import type { OutboxEntry } from './entry.ts';
import type {
  JournalEvent,
  NoticeKind,
  Plan,
  PlannedBatch,
  RefusedEntry,
  SentBatch,
} from './ledger.ts';
import type { Outcome, Upstream } from './upstream.ts';

export interface DeliveryInput {
  readonly host: ClientHost;
  readonly upstream: Upstream;
  readonly plan: Plan;
  readonly identity: Identity;
  /** Those of the plan at least. */
  readonly entries: readonly OutboxEntry[];
  /** Whether an earlier run may have sent some of it. */
  readonly isUncertain: boolean;
}

type Fates = Omit<Extract<JournalEvent, { type: 'settled' }>, 'type'>;

interface Open {
  readonly batch: PlannedBatch;
  readonly bytes: Uint8Array;
  /** An attempt may have been taken without our knowing. */
  isUncertain: boolean;
  /** Since when, for the server forgets producers. */
  uncertainSinceMs: number;
}

/** A server keeps a producer's last numbers for a day (`producer.id.expiration.ms`); we ask its log long before. */
const NUMBERS_TRUSTED_MS = 10 * 60_000;

export class Delivery {
  readonly #host: ClientHost;
  readonly #upstream: Upstream;
  readonly #identity: Identity;
  #open: readonly Open[];
  readonly #sent: SentBatch[] = [];
  readonly #refused: RefusedEntry[] = [];
  readonly #unsettled: number[] = [];
  readonly #tooLarge: PlannedBatch[] = [];
  #isIdentityLost = false;
  readonly notices: { readonly kind: NoticeKind; readonly message: string }[] = [];

  constructor({ host, upstream, plan, identity, entries, isUncertain }: DeliveryInput) {
    this.#host = host;
    this.#upstream = upstream;
    this.#identity = identity;
    const byLocal = new Map(entries.map((entry) => [entry.localOffset, entry.record]));
    this.#open = plan.batches.map((batch) => ({
      batch,
      bytes: buildBatch({
        records: batch.locals.map((local) => byLocal.get(local)!),
        ...identity,
        baseSequence: batch.baseSequence,
        crc32c: host.crc32c,
      }),
      isUncertain,
      // Of an earlier run nobody knows how long ago it was.
      uncertainSinceMs: Number.NEGATIVE_INFINITY,
    }));
  }

  get fates(): Fates {
    return {
      sent: this.#sent,
      refused: this.#refused,
      unsettled: this.#unsettled,
      tooLarge: this.#tooLarge,
      isIdentityLost: this.#isIdentityLost,
    };
  }

  /** Resolves when every batch has its fate; rejects with the reason why some have not. */
  async attempt(): Promise<void> {
    await this.#lookUpOld();
    const tried = this.#open;
    const outcomes = await this.#upstream.produce(
      tried.map(({ batch: { topic, partition }, bytes }) => ({ topic, partition, bytes })),
    );
    let failure: Error | undefined;
    const left: Open[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const open = tried[index]!;
      if (outcome.is === 'failed') {
        failure = outcome.error;
        if (outcome.isUncertain && !open.isUncertain) {
          open.isUncertain = true;
          open.uncertainSinceMs = this.#host.clock.monotonicMs();
        }
        left.push(open);
      } else if (outcome.is === 'sent') {
        this.#wasSent(open, outcome.baseOffset);
      } else {
        try {
          await this.#giveBack(open, outcome);
        } catch (error) {
          failure = error as Error;
          left.push(open);
        }
      }
    }
    this.#open = left;
    if (failure !== undefined) throw failure;
  }

  /** Numbers that were sent so long ago that the server may not know them any more. */
  async #lookUpOld(): Promise<void> {
    const nowMs = this.#host.clock.monotonicMs();
    const left: Open[] = [];
    for (const open of this.#open) {
      const isOld = open.isUncertain && nowMs - open.uncertainSinceMs > NUMBERS_TRUSTED_MS;
      if (isOld && (await this.#isThere(open))) continue;
      left.push(open);
      if (isOld) open.isUncertain = false;
    }
    this.#open = left;
  }

  async #giveBack(
    open: Open,
    outcome: Exclude<Outcome, { readonly is: 'sent' | 'failed' }>,
  ): Promise<void> {
    const { batch } = open;
    const mayBeThere = open.isUncertain || outcome.is === 'unknownProducer';
    // A topic that is gone has nothing to be asked about.
    if (mayBeThere && outcome.is !== 'noTopic' && (await this.#isThere(open))) return;
    switch (outcome.is) {
      case 'refused':
        if (batch.locals.length > 1) {
          // Which of them it was is found out one by one.
          this.#tooLarge.push(batch);
          this.#unsettled.push(...batch.locals);
          return;
        }
        this.#refused.push({
          local: batch.locals[0]!,
          errorName: outcome.errorName,
          reason: outcome.reason,
        });
        return;
      case 'tooLarge':
        if (batch.locals.length === 1) {
          const { errorName, message: reason } = outcome.error;
          this.#refused.push({ local: batch.locals[0]!, errorName, reason });
          return;
        }
        this.#tooLarge.push(batch);
        break;
      case 'unknownProducer':
        this.#isIdentityLost = true;
        this.notices.push({
          kind: 'producerExpired',
          message: `the server does not know the outbox's producer any more (${outcome.error.errorName}): it goes on under another id`,
        });
        break;
      case 'noTopic':
        this.notices.push({ kind: 'topicMissing', message: outcome.error.message });
    }
    this.#unsettled.push(...batch.locals);
  }

  async #isThere(open: Open): Promise<boolean> {
    const { batch } = open;
    const { topic, partition, baseSequence, upstreamEnd, locals } = batch;
    const found = await this.#upstream.find(batch, this.#identity, baseSequence, upstreamEnd);
    if (found === 'gone')
      this.notices.push({
        kind: 'producerExpired',
        message: `${topic}-${partition} begins behind ${upstreamEnd} by now: whether ${locals.length} records from there on arrived cannot be looked up, and they may be there twice`,
      });
    if (typeof found === 'string') return false;
    // Planned anew under the same number it may have grown: only what the log has was sent.
    const { baseOffset, recordCount } = found;
    this.#sent.push({ topic, partition, baseOffset, locals: locals.slice(0, recordCount) });
    this.#unsettled.push(...locals.slice(recordCount));
    return true;
  }

  #wasSent({ batch: { topic, partition, locals } }: Open, baseOffset: number): void {
    this.#sent.push({ topic, partition, baseOffset, locals });
  }
}
