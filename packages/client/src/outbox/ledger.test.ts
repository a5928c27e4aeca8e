/** The ledger of an outbox: whatever a server answers, every entry is told one fate, and none passes another in its partition. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutboxEntry } from './entry.ts';
import { EMPTY_LEDGER, heldFrom, replay } from './ledger.ts';
import type { Ledger, PlannedBatch, RefusedEntry, SentBatch } from './ledger.ts';
import { planRound } from './plan.ts';

const LIMITS = { batchBytes: 50, requestBytes: 120, batchEntries: 4 };

const entry = (localOffset: number, { partition, missing }: Kind): OutboxEntry => ({
  localOffset,
  topic: missing ? 'missing' : 't',
  partition,
  sizeBytes: 10 + (localOffset % 3) * 10,
  record: { timestampMs: 0, key: null, value: null },
});

interface Kind {
  readonly partition: number;
  readonly missing: boolean;
}

/** What the server does with the n-th batch that it is shown. */
type Answer = 'takes' | 'tooLarge' | 'forgot';

const kinds = fc.array(
  fc.record({ partition: fc.integer({ min: 0, max: 2 }), missing: fc.boolean() }),
  { maxLength: 40 },
);
const answers = fc.array(fc.constantFrom<Answer>('takes', 'takes', 'tooLarge', 'forgot'), {
  maxLength: 60,
});

describe('the ledger', () => {
  it('tells every entry one fate, in order, with numbers without gaps', () => {
    fc.assert(
      fc.property(kinds, answers, (all, script) => {
        const entries = all.map((kind, index) => entry(index, kind));
        const logs = new Map<number, number[]>();
        const expected = new Map<number, number>();
        const refusedLocals: number[] = [];
        let ledger: Ledger = EMPTY_LEDGER;
        let identity = 0;
        const answer = script.values();
        for (let round = 0; ; round++) {
          expect(round).toBeLessThan(500);
          if (ledger.identity === null) {
            identity += 1;
            expected.clear();
            ledger = replay(ledger, {
              type: 'identity.taken',
              identity: { producerId: identity, producerEpoch: 0 },
            });
          }
          const next = [
            ...ledger.again.map((local) => entries[local]!),
            ...entries.slice(ledger.position),
          ];
          if (next.length === 0) break;
          const placed = planRound(
            ledger,
            next,
            new Map([
              ['t', { partitionCount: 3 }],
              ['missing', { errorName: 'UNKNOWN_TOPIC_OR_PARTITION', reason: '' }],
            ]),
            LIMITS,
          );
          ledger = replay(ledger, { type: 'planned', plan: placed, clusterId: 'c' });
          const sent: SentBatch[] = [];
          const refused: RefusedEntry[] = [...placed.refused];
          const tooLarge: PlannedBatch[] = [];
          const unsettled: number[] = [];
          let isIdentityLost = false;
          for (const batch of placed.batches) {
            const { partition, locals, baseSequence, topic } = batch;
            const come = answer.next().value ?? 'takes';
            const log = logs.get(partition) ?? [];
            if (come === 'takes') {
              expect(baseSequence).toBe(expected.get(partition) ?? 0);
              expected.set(partition, baseSequence + locals.length);
              sent.push({ topic, partition, baseOffset: log.length, locals });
              logs.set(partition, [...log, ...locals]);
            } else if (come === 'tooLarge' && locals.length === 1) {
              refused.push({ local: locals[0]!, errorName: 'MESSAGE_TOO_LARGE', reason: '' });
            } else {
              unsettled.push(...locals);
              if (come === 'tooLarge') tooLarge.push(batch);
              else isIdentityLost = true;
            }
          }
          refusedLocals.push(...refused.map(({ local }) => local));
          ledger = replay(ledger, {
            type: 'settled',
            sent,
            refused,
            unsettled,
            tooLarge,
            isIdentityLost,
          });
        }
        const there = [...logs.values()].flat();
        expect([...there, ...refusedLocals].sort((a, b) => a - b)).toEqual(
          entries.map(({ localOffset }) => localOffset),
        );
        for (const log of logs.values()) expect(log).toEqual(log.toSorted((a, b) => a - b));
        expect(ledger).toMatchObject({
          position: entries.length,
          again: [],
          sentCount: there.length,
          refusedCount: refusedLocals.length,
        });
      }),
      { numRuns: 500 },
    );
  });

  it('brings back what a server lost, as far as it is still held', () => {
    const batch = (baseOffset: number, locals: number[]): SentBatch => ({
      topic: 't',
      partition: 0,
      baseOffset,
      locals,
    });
    const before: Ledger = {
      ...EMPTY_LEDGER,
      position: 9,
      identity: { producerId: 1, producerEpoch: 0 },
      sentCount: 9,
      kept: [batch(0, [0, 1, 2]), batch(3, [3, 5, 6]), batch(6, [7, 8])],
    };
    const after = replay(before, {
      type: 'server.wentBack',
      topic: 't',
      partition: 0,
      endOffset: 4,
    });
    expect(after).toMatchObject({ again: [5, 6, 7, 8], identity: null, sentCount: 5 });
    expect(after.kept).toEqual([batch(0, [0, 1, 2])]);
    expect(heldFrom(after)).toBe(0);
  });
});
