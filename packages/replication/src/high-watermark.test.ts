import { nodeId, offset, type NodeId } from '@odradek/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextHighWatermark } from './high-watermark.ts';

const anEnd = fc.option(fc.nat(100).map(offset), { nil: undefined });

describe('the high watermark of a leader', () => {
  it('is what every in-sync replica holds, and never moves back', () => {
    fc.assert(
      fc.property(
        fc.nat(100).map(offset),
        fc.dictionary(fc.nat(6).map(String), anEnd),
        fc.uniqueArray(fc.nat(6).map(nodeId), { maxLength: 5 }),
        (current, ends, isr) => {
          const endOf = (node: NodeId) => ends[String(node)];
          const next = nextHighWatermark(current, isr, endOf);
          expect(next).toBeGreaterThanOrEqual(current);
          // Nobody in sync is behind what is committed anew.
          if (next > current)
            for (const member of isr) expect(endOf(member)).toBeGreaterThanOrEqual(next);
          // And what all hold is committed.
          const held = isr.map(endOf);
          const isKnown = held.length > 0 && held.every((it) => it !== undefined);
          if (isKnown) expect(next).toBe(Math.max(current, Math.min(...(held as number[]))));
          else expect(next).toBe(current);
        },
      ),
    );
  });

  it('does not count who is out of sync', () => {
    const ends = new Map([
      [nodeId(1), offset(10)],
      [nodeId(2), offset(3)],
    ]);
    expect(nextHighWatermark(offset(0), [nodeId(1)], (it) => ends.get(it))).toBe(10);
    expect(nextHighWatermark(offset(0), [nodeId(1), nodeId(2)], (it) => ends.get(it))).toBe(3);
  });
});
