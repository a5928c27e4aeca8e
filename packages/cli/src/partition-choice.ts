/** Partitions as people name them: "orders" for all of a topic, "orders:0,2" for some. */
import type { TopicPartition } from '@odradek/client';
import { UsageError } from './world.ts';

/** By topic; undefined for all of its partitions. */
export type Choices = ReadonlyMap<string, ReadonlySet<number> | undefined>;

export function parseChoices(texts: readonly string[]): Choices {
  const choices = new Map<string, ReadonlySet<number> | undefined>();
  for (const text of texts) {
    const [topic = '', list, ...rest] = text.split(':');
    if (
      topic === '' ||
      rest.length > 0 ||
      (list !== undefined && !/^\d{1,9}(,\d{1,9})*$/.test(list))
    )
      throw new UsageError(`${text}: write it as topic, or topic:0,1,2`);
    const before = choices.get(topic);
    const chosen = list?.split(',').map(Number);
    const isAll = chosen === undefined || (choices.has(topic) && before === undefined);
    choices.set(topic, isAll ? undefined : new Set([...(before ?? []), ...chosen]));
  }
  return choices;
}

export function isChosen(choices: Choices, { topic, partition }: TopicPartition): boolean {
  if (!choices.has(topic)) return false;
  return choices.get(topic)?.has(partition) ?? true;
}
