/**
 * Kafka's small text files. A checkpoint is a version line, a line with the number of entries, then an entry a line:
 *   leader-epoch-checkpoint                      `epoch startOffset`
 *   recovery-point-offset-checkpoint,
 *   replication-offset-checkpoint (high watermarks),
 *   log-start-offset-checkpoint,
 *   cleaner-offset-checkpoint                    `topic partition offset`
 * The first belongs to a log; the others lie beside the partitions' folders and belong to the log's owner, who writes and
 * reads them with what is exported here. partition.metadata holds the topic's id.
 * All are written by `Volume.replace`. One that does not parse is reported as undefined: who reads decides what that means.
 */
import { leaderEpoch, offset, uuidFromBase64, uuidToBase64 } from '@odradek/protocol';
import type { Offset, Uuid } from '@odradek/protocol';
import type { EpochStart } from './leader-epochs.ts';
import { asciiBytes, asciiText } from './text.ts';

export interface OffsetCheckpoint {
  readonly topic: string;
  readonly partition: number;
  readonly offset: Offset;
}

const VERSION = '0';
const integer = /^-?\d{1,16}$/;

export function encodeOffsetCheckpoints(entries: readonly OffsetCheckpoint[]): Uint8Array {
  return encodeLines(entries.map((entry) => `${entry.topic} ${entry.partition} ${entry.offset}`));
}

export function decodeOffsetCheckpoints(bytes: Uint8Array): OffsetCheckpoint[] | undefined {
  return decodeLines(bytes, 3, ([topic, partition, value]) => {
    const entry = { topic: topic!, partition: Number(partition), offset: offset(Number(value)) };
    return integer.test(partition!) && integer.test(value!) && entry.partition >= 0
      ? entry
      : undefined;
  });
}

export function encodeLeaderEpochs(entries: readonly EpochStart[]): Uint8Array {
  return encodeLines(entries.map((entry) => `${entry.epoch} ${entry.startOffset}`));
}

export function decodeLeaderEpochs(bytes: Uint8Array): EpochStart[] | undefined {
  return decodeLines(bytes, 2, ([epoch, startOffset]) => {
    const entry = { epoch: leaderEpoch(Number(epoch)), startOffset: offset(Number(startOffset)) };
    return integer.test(epoch!) &&
      integer.test(startOffset!) &&
      entry.epoch >= 0 &&
      entry.startOffset >= 0
      ? entry
      : undefined;
  });
}

export function encodePartitionMetadata(topicId: Uuid): Uint8Array {
  return asciiBytes(`version: 0\ntopic_id: ${uuidToBase64(topicId)}`);
}

export function decodePartitionMetadata(bytes: Uint8Array): Uuid | undefined {
  const match = /^version: 0\s+topic_id: (\S{22,24})\s*$/.exec(asciiText(bytes));
  return match === null ? undefined : uuidFromBase64(match[1]!);
}

function encodeLines(lines: readonly string[]): Uint8Array {
  return asciiBytes(`${[VERSION, String(lines.length), ...lines].join('\n')}\n`);
}

function decodeLines<T>(
  bytes: Uint8Array,
  width: number,
  decode: (fields: string[]) => T | undefined,
): T[] | undefined {
  const [version, count, ...lines] = asciiText(bytes).trimEnd().split('\n');
  if (version !== VERSION || count === undefined || Number(count) !== lines.length)
    return undefined;
  const entries: T[] = [];
  for (const line of lines) {
    const fields = line.split(/\s+/);
    const entry = fields.length === width ? decode(fields) : undefined;
    if (entry === undefined) return undefined;
    entries.push(entry);
  }
  return entries;
}
