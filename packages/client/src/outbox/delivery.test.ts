/** What becomes of a plan when answers are lost and servers forget: nothing twice, nothing left out. */
import { crc32cJs } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { BrokerError, ConnectionLost } from '../errors.ts';
import type { ClientHost } from '../host.ts';
import { Delivery } from './delivery.ts';
import type { OutboxEntry } from './entry.ts';
import type { Plan } from './ledger.ts';
import type { FoundBatch, Outcome, Upstream } from './upstream.ts';

const IDENTITY = { producerId: 7, producerEpoch: 0 };
const LOST = new ConnectionLost('cut');
const UNKNOWN = new BrokerError(59, {});
const NO_TOPIC = new BrokerError(3, {});

/** A server that answers as it is told, attempt by attempt. */
class ScriptedUpstream implements Pick<Upstream, 'produce' | 'find'> {
  readonly outcomes: Outcome[];
  readonly found: FoundBatch | 'absent' | 'gone';
  asked = 0;

  constructor(outcomes: Outcome[], found: FoundBatch | 'absent' | 'gone' = 'absent') {
    this.outcomes = outcomes;
    this.found = found;
  }

  produce(batches: readonly unknown[]): Promise<readonly Outcome[]> {
    return Promise.resolve(batches.map(() => this.outcomes.shift()!));
  }

  find(): Promise<FoundBatch | 'absent' | 'gone'> {
    this.asked += 1;
    return Promise.resolve(this.found);
  }
}

const plan: Plan = {
  end: 12,
  refused: [],
  batches: [{ topic: 't', partition: 0, baseSequence: 4, locals: [10, 11], upstreamEnd: 100 }],
};
const entries: readonly OutboxEntry[] = [10, 11].map((localOffset) => ({
  localOffset,
  topic: 't',
  partition: undefined,
  sizeBytes: 10,
  record: { timestampMs: 0, key: null, value: new Uint8Array(1) },
}));

function deliver(upstream: ScriptedUpstream, isUncertain = false) {
  let nowMs = 0;
  const host = {
    crc32c: crc32cJs,
    clock: { monotonicMs: () => nowMs },
  } as unknown as ClientHost;
  const delivery = new Delivery({
    host,
    upstream: upstream as unknown as Upstream,
    plan,
    identity: IDENTITY,
    entries,
    isUncertain,
  });
  return { delivery, pass: (ms: number) => (nowMs += ms) };
}

const sentAt = (baseOffset: number) => [{ topic: 't', partition: 0, baseOffset, locals: [10, 11] }];

describe('a delivery', () => {
  it('sends the same again while the server knows the numbers, and asks nobody', async () => {
    const upstream = new ScriptedUpstream([
      { is: 'failed', error: LOST, isUncertain: true },
      { is: 'sent', baseOffset: 100 },
    ]);
    const { delivery } = deliver(upstream);
    await expect(delivery.attempt()).rejects.toBe(LOST);
    await delivery.attempt();
    expect(delivery.fates.sent).toEqual(sentAt(100));
    expect(upstream.asked).toBe(0);
  });

  it('looks into the log first when an earlier run may have sent it', async () => {
    const upstream = new ScriptedUpstream([], { baseOffset: 103, recordCount: 2 });
    const { delivery } = deliver(upstream, true);
    await delivery.attempt();
    expect(delivery.fates.sent).toEqual(sentAt(103));
  });

  it('looks into the log when the answer was lost so long ago that the numbers may be forgotten', async () => {
    const upstream = new ScriptedUpstream([{ is: 'failed', error: LOST, isUncertain: true }], {
      baseOffset: 100,
      recordCount: 2,
    });
    const { delivery, pass } = deliver(upstream);
    await expect(delivery.attempt()).rejects.toBe(LOST);
    pass(3_600_000);
    await delivery.attempt();
    expect(delivery.fates.sent).toEqual(sentAt(100));
  });

  it('takes another identity when the server has forgotten the producer and has not the batch', async () => {
    const upstream = new ScriptedUpstream([{ is: 'unknownProducer', error: UNKNOWN }]);
    const { delivery } = deliver(upstream);
    await delivery.attempt();
    expect(delivery.fates).toMatchObject({ sent: [], unsettled: [10, 11], isIdentityLost: true });
    expect(delivery.notices.map(({ kind }) => kind)).toEqual(['producerExpired']);
  });

  it('counts as sent what the log has of it, and no more', async () => {
    const upstream = new ScriptedUpstream([{ is: 'unknownProducer', error: UNKNOWN }], {
      baseOffset: 100,
      recordCount: 1,
    });
    const { delivery } = deliver(upstream);
    await delivery.attempt();
    expect(delivery.fates).toMatchObject({
      sent: [{ baseOffset: 100, locals: [10] }],
      unsettled: [11],
      isIdentityLost: false,
    });
  });

  it('says so when nobody can tell any more', async () => {
    const upstream = new ScriptedUpstream([{ is: 'unknownProducer', error: UNKNOWN }], 'gone');
    const { delivery } = deliver(upstream);
    await delivery.attempt();
    expect(delivery.fates.unsettled).toEqual([10, 11]);
    expect(delivery.notices[0]!.message).toContain('may be there twice');
  });

  it('gives back what was for a topic that is gone', async () => {
    const upstream = new ScriptedUpstream([{ is: 'noTopic', error: NO_TOPIC }]);
    const { delivery } = deliver(upstream);
    await delivery.attempt();
    expect(delivery.fates).toMatchObject({ sent: [], refused: [], unsettled: [10, 11] });
  });

  it('does not refuse what it may have sent', async () => {
    const upstream = new ScriptedUpstream(
      [
        { is: 'failed', error: LOST, isUncertain: true },
        { is: 'tooLarge', error: new BrokerError(10, {}) },
      ],
      { baseOffset: 100, recordCount: 2 },
    );
    const { delivery } = deliver(upstream);
    await expect(delivery.attempt()).rejects.toBe(LOST);
    await delivery.attempt();
    expect(delivery.fates.sent).toEqual(sentAt(100));
    expect(delivery.fates.unsettled).toEqual([]);
  });
});
