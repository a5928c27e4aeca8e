import { expect, it } from 'vitest';
import { partitionFor } from './partition-for.ts';

it.each([
  ['', 0],
  ['readers', 28],
  ['console-consumer-12345', 6],
  ['größe-😀', 21],
  // The string that is known for the hash that has no absolute value.
  ['polygenelubricants', 0],
])('finds the partition of %j as Kafka does', (groupId, partition) => {
  expect(partitionFor(groupId, 50)).toBe(partition);
});
