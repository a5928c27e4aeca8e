import { ErrorCode, offset, type Offset } from '@odradek/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Acknowledgements } from './acknowledgements.ts';

type Step =
  | { readonly do: 'wait'; readonly nextOffset: Offset }
  | { readonly do: 'reached'; readonly mark: Offset; readonly errorCode: ErrorCode }
  | { readonly do: 'failAll'; readonly errorCode: ErrorCode };

const anOffset = fc.nat(40).map(offset);
const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), nextOffset: anOffset }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('reached' as const),
      mark: anOffset,
      errorCode: fc.constantFrom<ErrorCode>(
        ErrorCode.NONE,
        ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
      ),
    }),
  },
  fc.record({
    do: fc.constant('failAll' as const),
    errorCode: fc.constant<ErrorCode>(ErrorCode.NOT_LEADER_OR_FOLLOWER),
  }),
);

describe('those who wait for a mark', () => {
  it('are answered once each, by the rise that covers them, the lowest offset first', () => {
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 120 }), (steps) => {
        const line = new Acknowledgements();
        const told: string[] = [];
        const expected: string[] = [];
        // The naive model: everybody who waits, sorted by offset; equals in the order in which they came.
        let waiting: { readonly id: number; readonly nextOffset: Offset }[] = [];
        let id = 0;
        for (const step of steps) {
          if (step.do === 'wait') {
            const own = id++;
            line.wait(step.nextOffset, (errorCode) => told.push(`${own}:${errorCode}`));
            waiting.push({ id: own, nextOffset: step.nextOffset });
            waiting = waiting.toSorted((a, b) => a.nextOffset - b.nextOffset);
          } else {
            const mark = step.do === 'reached' ? step.mark : Infinity;
            for (const it of waiting)
              if (it.nextOffset <= mark) expected.push(`${it.id}:${step.errorCode}`);
            waiting = waiting.filter((it) => it.nextOffset > mark);
            if (step.do === 'reached') line.reached(step.mark, step.errorCode);
            else line.failAll(step.errorCode);
          }
          expect(told).toEqual(expected);
          expect(line.size).toBe(waiting.length);
        }
      }),
    );
  });

  it('do not pile up once they are answered', () => {
    const line = new Acknowledgements();
    let answered = 0;
    for (let next = 1; next <= 10_000; next++) {
      line.wait(offset(next), () => answered++);
      if (next > 10) line.reached(offset(next - 10));
    }
    expect(answered).toBe(9_990);
    expect(line.size).toBe(10);
  });

  it('may wait anew from within their answer', () => {
    const line = new Acknowledgements();
    const told: string[] = [];
    line.wait(offset(1), () => {
      told.push('first');
      line.wait(offset(2), () => told.push('again'));
      line.wait(offset(9), () => told.push('later'));
    });
    line.reached(offset(2));
    expect(told).toEqual(['first', 'again']);
    expect(line.size).toBe(1);
  });

  it('may fail the others from within their answer, and nobody is answered twice', () => {
    const line = new Acknowledgements();
    const told: string[] = [];
    line.wait(offset(1), (errorCode) => told.push(`a ${errorCode}`));
    line.wait(offset(2), (errorCode) => {
      told.push(`b ${errorCode}`);
      line.failAll(ErrorCode.KAFKA_STORAGE_ERROR);
    });
    line.wait(offset(3), (errorCode) => told.push(`c ${errorCode}`));
    line.reached(offset(3));
    expect(told).toEqual(['a 0', 'b 0', `c ${ErrorCode.KAFKA_STORAGE_ERROR}`]);
    expect(line.size).toBe(0);
  });
});
