/** Each topic by itself: its partitions in a row, cut into as many pieces as it has members, the first pieces one longer. Java's default. */
import { compareMembers, noAssignment, nothingToTell } from './assignor.ts';
import type { Assignor } from './assignor.ts';

export const rangeAssignor: Assignor = {
  name: 'range',
  isCooperative: false,
  ...nothingToTell,
  assign(partitionCounts, members) {
    const assignment = noAssignment(members);
    const sorted = [...members].sort(compareMembers);
    for (const [topic, count] of partitionCounts) {
      const subscribed = sorted.filter(({ topics }) => topics.includes(topic));
      if (subscribed.length === 0) continue;
      const share = Math.floor(count / subscribed.length);
      const extra = count % subscribed.length;
      let next = 0;
      for (const [index, { memberId }] of subscribed.entries()) {
        const end = next + share + (index < extra ? 1 : 0);
        for (; next < end; next += 1) assignment.get(memberId)?.push({ topic, partition: next });
      }
    }
    return assignment;
  },
};
