/**
 * What the committed log of one partition of __consumer_offsets says: each group's last stored generation and its offsets. It
 * changes by `replay` alone, of records that are committed, whether this broker has just written them or finds them when it
 * becomes leader. So a restart leads to the same image as running on, and nobody is shown an offset that could yet be lost.
 */
import type { CommittedOffset, CoordinatorRecord, GroupMetadata } from './records/records.ts';

export interface GroupImage {
  /** Undefined: only offsets were ever committed (a simple consumer), or the group was never stored. */
  metadata: GroupMetadata | undefined;
  readonly offsets: Map<string, Map<number, CommittedOffset>>;
}

export type TopicOffsets = ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>;

export class OffsetsImage {
  readonly #groups = new Map<string, GroupImage>();

  get groups(): ReadonlyMap<string, Readonly<GroupImage>> {
    return this.#groups;
  }

  metadata(groupId: string): GroupMetadata | undefined {
    return this.#groups.get(groupId)?.metadata;
  }

  offsets(groupId: string): TopicOffsets | undefined {
    return this.#groups.get(groupId)?.offsets;
  }

  replay(record: CoordinatorRecord): void {
    const group = this.#groups.get(record.groupId);
    if (record.value === null) {
      if (group === undefined) return;
      if (record.type === 'groupMetadata') group.metadata = undefined;
      else forget(group, record.topic, record.partition);
      if (group.metadata === undefined && group.offsets.size === 0)
        this.#groups.delete(record.groupId);
      return;
    }
    const kept = group ?? this.#create(record.groupId);
    if (record.type === 'groupMetadata') {
      kept.metadata = record.value;
    } else {
      let partitions = kept.offsets.get(record.topic);
      if (partitions === undefined) kept.offsets.set(record.topic, (partitions = new Map()));
      partitions.set(record.partition, record.value);
    }
  }

  #create(groupId: string): GroupImage {
    const group: GroupImage = { metadata: undefined, offsets: new Map() };
    this.#groups.set(groupId, group);
    return group;
  }
}

function forget(group: GroupImage, topic: string, partition: number): void {
  const partitions = group.offsets.get(topic);
  if (partitions?.delete(partition) && partitions.size === 0) group.offsets.delete(topic);
}
