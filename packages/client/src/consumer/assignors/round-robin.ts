/** All partitions of all topics in a row, given out in turn to the members that want the topic. */
import { compareText } from '../topic-partition.ts';
import { compareMembers, noAssignment, nothingToTell } from './assignor.ts';
import type { Assignor } from './assignor.ts';

export const roundRobinAssignor: Assignor = {
  name: 'roundrobin',
  isCooperative: false,
  ...nothingToTell,
  assign(partitionCounts, members) {
    const assignment = noAssignment(members);
    const sorted = [...members].sort(compareMembers);
    const topics = [...partitionCounts.keys()]
      .filter((topic) => sorted.some((member) => member.topics.includes(topic)))
      .sort(compareText);
    let turn = 0;
    for (const topic of topics) {
      for (let partition = 0; partition < partitionCounts.get(topic)!; partition += 1) {
        while (!sorted[turn % sorted.length]!.topics.includes(topic)) turn += 1;
        assignment.get(sorted[turn % sorted.length]!.memberId)?.push({ topic, partition });
        turn += 1;
      }
    }
    return assignment;
  },
};
