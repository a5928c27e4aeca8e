/**
 * Where an outbox lives: three topics of one partition each on the local broker, so that it is as durable as anything else there, every tab can
 * append to it, and a crash is recovered from by what recovers every log.
 */
import { ErrorCode } from '@odradek/protocol';
import { createTopics } from '../admin/topics.ts';
import type { NewTopic } from '../admin/topics.ts';
import type { Cluster } from '../cluster.ts';
import { BrokerError } from '../errors.ts';

export interface OutboxTopics {
  /** What is to be sent, in the order in which it was appended. */
  readonly entries: string;
  /** What the sender planned and what became of it; its last record is the whole state. */
  readonly journal: string;
  /** Entries that the server refused, with the reason, until somebody resends or discards them. By the entry's local offset. */
  readonly refused: string;
}

export const OUTBOX_NAME_DEFAULT = 'odradek.outbox';
/** One partition: the outbox keeps the order of everything that was appended. */
export const OUTBOX_PARTITION = 0;
/** Fates that somebody may still ask for. */
const JOURNAL_BYTES = 16 * 1024 * 1024;
const FOR_EVER = { 'retention.ms': '-1', 'retention.bytes': '-1' };

export const outboxTopics = (name = OUTBOX_NAME_DEFAULT): OutboxTopics => ({
  entries: name,
  journal: `${name}.journal`,
  refused: `${name}.refused`,
});

/** Creates what is missing. Several tabs may do so at once. */
export async function ensureOutboxTopics(
  local: Cluster,
  { entries, journal, refused }: OutboxTopics,
): Promise<void> {
  const { topics } = await local.metadata({ topics: [entries, journal, refused] });
  const wanted: readonly NewTopic[] = [
    // Nothing leaves it by age or size: the sender removes what has its fate.
    { name: entries, partitions: 1, configs: FOR_EVER },
    {
      name: journal,
      partitions: 1,
      configs: { 'retention.ms': '-1', 'retention.bytes': String(JOURNAL_BYTES) },
    },
    { name: refused, partitions: 1, configs: { 'cleanup.policy': 'compact' } },
  ];
  for (const topic of wanted) {
    if (topics.some(({ name, errorCode }) => name === topic.name && errorCode === 0)) continue;
    try {
      await createTopics(local, [topic], false);
    } catch (error) {
      const isThere = error instanceof BrokerError && error.code === ErrorCode.TOPIC_ALREADY_EXISTS;
      if (!isThere) throw error;
    }
  }
  for (const { name } of wanted) await local.topic(name);
}
