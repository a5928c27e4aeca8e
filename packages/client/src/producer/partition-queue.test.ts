/** Which batch may be sent when, so that a broker that remembers five of them can tell every repetition. */
import { describe, expect, it } from 'vitest';
import { NEVER, PartitionQueue } from './partition-queue.ts';
import type { Batch } from './partition-queue.ts';

const IDENTITY = { producerId: 1, producerEpoch: 0 };
const sink = { delivered() {}, failed() {} };

/** Every record is a batch. */
function queueOf(count: number): PartitionQueue {
  const queue = new PartitionQueue('t', 0, {
    batchBytes: 1,
    lingerMs: 0,
    deliveryTimeoutMs: 60_000,
    inFlightMax: 5,
  });
  for (let n = 0; n < count; n++) queue.append({ timestampMs: 0 }, 1, sink, 0);
  return queue;
}

const taken = (queue: PartitionQueue, batch: Batch): void => {
  queue.returned(batch);
  queue.taken(batch);
};

describe('a partition’s queue', () => {
  it('sends nothing new while a batch that the broker may forget has no answer', () => {
    const queue = queueOf(12);
    const take = (): Batch => queue.take(IDENTITY, true)!;
    taken(queue, take());
    const [first, ...others] = Array.from({ length: 5 }, take);
    // The answer to the first is lost; the four behind it are in the log.
    queue.returned(first!);
    for (const batch of others) taken(queue, batch);
    expect(take()).toBe(first);
    expect(queue.readyAtMs(0, true)).toBe(NEVER);
    // Once more.
    queue.returned(first!);
    first!.notBeforeMs = 7;
    expect(queue.readyAtMs(0, true)).toBe(7);
    expect(take()).toBe(first);
    taken(queue, first!);
    expect(queue.readyAtMs(0, true)).toBe(0);
    expect(take().baseSequence).toBe(6);
  });

  it('has five batches under way, from the oldest without an answer on', () => {
    const queue = queueOf(12);
    const take = (): Batch => queue.take(IDENTITY, true)!;
    taken(queue, take());
    const [first, second] = Array.from({ length: 5 }, take);
    taken(queue, second!);
    expect(queue.readyAtMs(0, true)).toBe(NEVER);
    taken(queue, first!);
    expect(queue.readyAtMs(0, true)).toBe(0);
  });
});
