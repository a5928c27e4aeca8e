import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestBudget } from './request-budget.ts';

const budgetOf = (requestsMax = 2) =>
  new RequestBudget({
    requestBytesMax: 100,
    requestsMax: () => requestsMax,
    waitingBytesMax: 50,
    answerBytesMax: 1000,
  });

describe('the budget of all connections', () => {
  it('has room until the bytes or the requests are used up', () => {
    const budget = budgetOf();
    budget.take(99);
    expect(budget.hasRoom).toBe(true);
    budget.take(1);
    expect(budget.hasRoom).toBe(false);
    budget.give(99, 1);
    expect(budget.hasRoom).toBe(true);
    budget.take(99);
    expect(budget.hasRoom).toBe(false);
  });

  it('calls those who wait when there is room, each once, and not before', () => {
    const budget = budgetOf(1);
    const told: string[] = [];
    budget.take(10);
    budget.whenRoom(() => told.push('a'));
    budget.whenRoom(() => {
      told.push('b');
      budget.take(5);
    });
    const gone = () => told.push('gone');
    budget.whenRoom(gone);
    expect(budget.waitingForRoom).toBe(3);
    budget.forget(gone);
    expect(budget.waitingForRoom).toBe(2);
    budget.take(10);
    budget.give(10, 1);
    expect(told).toEqual([]);
    budget.give(10, 1);
    expect(told).toEqual(['a', 'b']);
    budget.give(5, 1);
    expect(told).toEqual(['a', 'b']);
  });

  it('gives the place of a request that waits to others, and counts its bytes apart', () => {
    const budget = budgetOf(1);
    let isCalled = false;
    budget.take(60);
    budget.whenRoom(() => (isCalled = true));
    expect(budget.mayWait).toBe(true);
    budget.park(60);
    expect([isCalled, budget.requests, budget.waitingBytes, budget.mayWait]).toEqual([
      true,
      0,
      60,
      false,
    ]);
    budget.unpark(60, 1);
    expect([budget.waitingRequests, budget.waitingBytes, budget.mayWait]).toEqual([0, 0, true]);
  });

  it('lets answers have what is left, and never less than nothing', () => {
    const budget = budgetOf();
    expect(budget.takeAnswer(600)).toBe(600);
    budget.unsent(300);
    expect(budget.takeAnswer(600)).toBe(100);
    budget.unsent(500);
    expect(budget.takeAnswer(1)).toBe(0);
    budget.giveAnswer(600);
    expect(budget.takeAnswer(1000)).toBe(100);
  });

  it('is back where it was when everything that was taken is given back, in whatever order', () => {
    const aRequest = fc.record({ bytes: fc.nat(40), isParked: fc.boolean(), answer: fc.nat(500) });
    fc.assert(
      fc.property(
        fc.array(aRequest, { maxLength: 30 }),
        fc.infiniteStream(fc.nat()),
        (requests, order) => {
          const budget = budgetOf();
          const back = requests.map(({ bytes, isParked, answer }) => {
            budget.take(bytes);
            if (isParked) budget.park(bytes);
            const taken = budget.takeAnswer(answer);
            return () => {
              if (isParked) budget.unpark(bytes, 1);
              else budget.give(bytes, 1);
              budget.giveAnswer(taken);
            };
          });
          while (back.length > 0) back.splice(order.next().value! % back.length, 1)[0]!();
          const { bytes, requests: count, waitingBytes, waitingRequests, answerBytes } = budget;
          expect([bytes, count, waitingBytes, waitingRequests, answerBytes]).toEqual([
            0, 0, 0, 0, 0,
          ]);
        },
      ),
    );
  });
});
