/** Who a broker is, and who forms the cluster with it. */
import { atLeast, int, list, listOf, string } from '../key.ts';

export const identityKeys = {
  'node.id': int(1, {
    importance: 'high',
    valid: atLeast(0),
    doc: "The broker's number, unique in the cluster and kept for its life. Kafka has no default for it; ours is 1.",
  }),
  'broker.id': int(-1, {
    importance: 'high',
    doc: 'The older name of node.id; if both are set they must agree.',
  }),
  'broker.rack': string(null, {
    doc: 'Where the broker stands (a rack, a zone); told to clients in Metadata and DescribeCluster.',
  }),
  'process.roles': list(['broker', 'controller'], {
    importance: 'high',
    valid: listOf(['broker', 'controller'], { mayBeEmpty: false }),
    doc: 'What the process does: keeps partitions (broker), takes part in the quorum (controller), or both, which is the default.',
  }),
  'controller.quorum.voters': list([], {
    importance: 'high',
    valid: listOf([], { mayBeEmpty: true }),
    doc: 'The members of the quorum, as id@host:port; an odd number of them. Empty means this broker alone.',
  }),
} as const;
