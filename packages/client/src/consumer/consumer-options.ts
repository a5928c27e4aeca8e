/** What a consumer can be told, and Kafka's defaults for it. */
import type { Assignor } from './assignors/assignor.ts';
import type { StartingAt } from './partition-state.ts';
import type { TopicPartition } from './topic-partition.ts';

export type AssignorName = 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky';

export interface RebalanceListener {
  /** Before they are handed out. */
  onAssigned?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /** Before they are given to others; offsets can still be committed. */
  onRevoked?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /** Others may have them already: nothing can be committed. */
  onLost?(partitions: readonly TopicPartition[]): void | Promise<void>;
}

export interface ConsumerOptions extends RebalanceListener {
  readonly group?: string;
  /** In the order in which this member wants them; cooperative ones cannot be mixed with others. */
  readonly assignors?: readonly (AssignorName | Assignor)[];
  /** Makes the member static: a short absence causes no rebalance (KIP-345). */
  readonly groupInstanceId?: string;
  /** Where to begin when the group has no offset, or one that is not in the log any more; for all topics, or for each its own. */
  readonly from?: ResetPolicy | ((topic: string) => ResetPolicy);
  readonly isolation?: 'read_committed' | 'read_uncommitted';
  /** Where the consumer is: brokers that know racks send it to the nearest replica (KIP-392). */
  readonly rackId?: string;
  readonly sessionTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  /** How long a rebalance waits for records in work. */
  readonly rebalanceTimeoutMs?: number;
  readonly autoCommit?: boolean;
  readonly autoCommitIntervalMs?: number;
  /** Whether a missing topic may be created by asking for it. */
  readonly mayCreateTopics?: boolean;
  readonly minBytes?: number;
  readonly maxWaitMs?: number;
  readonly fetchMaxBytes?: number;
  readonly partitionMaxBytes?: number;
  readonly metadataMaxAgeMs?: number;
}

export type ResetPolicy = StartingAt | 'none';

/** Kafka's defaults. */
const DEFAULTS = {
  from: 'latest' as ResetPolicy | ((topic: string) => ResetPolicy),
  isolation: 'read_committed' as 'read_committed' | 'read_uncommitted',
  rackId: '',
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 3000,
  rebalanceTimeoutMs: 300_000,
  autoCommit: true,
  autoCommitIntervalMs: 5000,
  mayCreateTopics: false,
  minBytes: 1,
  maxWaitMs: 500,
  fetchMaxBytes: 50 * 1024 * 1024,
  partitionMaxBytes: 1024 * 1024,
  metadataMaxAgeMs: 300_000,
  assignors: ['cooperative-sticky'] as readonly (AssignorName | Assignor)[],
};

export type ConsumerSettings = Omit<ConsumerOptions, keyof typeof DEFAULTS> & typeof DEFAULTS;

export function settingsOf(options: ConsumerOptions): ConsumerSettings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings: ConsumerSettings = { ...DEFAULTS, ...Object.fromEntries(given) };
  if (new Set(settings.assignors.map(isCooperative)).size > 1)
    throw new RangeError('cooperative assignors cannot be mixed with eager ones');
  return settings;
}

/** Of the names one is: a page has the assignors themselves when it has a group, and not before. */
const isCooperative = (each: AssignorName | Assignor): boolean =>
  typeof each === 'string' ? each === 'cooperative-sticky' : each.isCooperative;
