import fc from 'fast-check';
import * as theirs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '@odradek/ports/testing';
import { Partitioners, defaultPartitionerFor } from './partitioners.ts';

const partitionMetadata = (count: number, leaderless: readonly number[] = []) =>
  Array.from({ length: count }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: leaderless.includes(partitionId) ? -1 : 1,
    replicas: [1],
    isr: [1],
  }));

describe.each(['DefaultPartitioner', 'LegacyPartitioner', 'JavaCompatiblePartitioner'] as const)(
  '%s',
  (name) => {
    const ours = Partitioners[name]();
    const reference = theirs.Partitioners[name]();

    it('puts every key where KafkaJS puts it', () => {
      fc.assert(
        fc.property(
          fc.oneof(fc.string(), fc.uint8Array({ maxLength: 64 })),
          fc.integer({ min: 1, max: 50 }),
          (key, count) => {
            const args = { topic: 't', partitionMetadata: partitionMetadata(count) };
            const theirKey = typeof key === 'string' ? key : Buffer.from(key);
            expect(ours({ ...args, message: { key, value: null } })).toBe(
              reference({ ...args, message: { key: theirKey, value: null } }),
            );
          },
        ),
      );
    });

    it('goes where the message says', () => {
      const args = { topic: 't', partitionMetadata: partitionMetadata(3) };
      expect(ours({ ...args, message: { key: 'a', value: null, partition: 2 } })).toBe(2);
    });
  },
);

describe('messages without a key', () => {
  it('go in turn to the partitions that have a leader', () => {
    const choose = defaultPartitionerFor(seededRandom(1))();
    const args = { topic: 't', partitionMetadata: partitionMetadata(4, [2]) };
    const chosen = Array.from({ length: 6 }, () => choose({ ...args, message: { value: 'v' } }));
    expect(new Set(chosen)).toEqual(new Set([0, 1, 3]));
    expect(chosen.slice(0, 3)).toEqual(chosen.slice(3));
  });
});
