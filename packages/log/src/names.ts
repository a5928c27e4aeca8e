/** The names that Kafka gives to a partition's files. */
import { offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import type { FileEntry } from '@odradek/ports';

export const LEADER_EPOCHS = 'leader-epoch-checkpoint';
export const PARTITION_METADATA = 'partition.metadata';
/** Ours: names the cleaned segment that is taking its predecessors' place (cleaner/swap.ts). */
export const SWAP = 'compaction-swap';
/** Ours, empty: the log may lack records that it acknowledged, because something was cut when it was opened. */
export const INCOMPLETE = 'incomplete';

export type SegmentSuffix =
  | '.log'
  | '.index'
  | '.timeindex'
  | '.txnindex'
  | '.snapshot'
  | '.log.cleaned';

export const folderOf = (topic: string, partition: number): string => `${topic}-${partition}`;

/** Offsets are written with twenty digits, so that names sort as the offsets do. */
export function segmentFile(folder: string, baseOffset: Offset, suffix: SegmentSuffix): string {
  return `${folder}/${String(baseOffset).padStart(20, '0')}${suffix}`;
}

export interface SegmentFiles {
  readonly baseOffset: Offset;
  /** Sizes; undefined: absent. */
  log?: number;
  index?: number;
  timeIndex?: number;
  txnIndex?: number;
}

/** A partition's folder, sorted out. */
export interface FolderFiles {
  /** By base offset, rising; those without a .log are orphans. */
  readonly segments: SegmentFiles[];
  /** Offsets of producer snapshots, rising. */
  readonly snapshots: Offset[];
  /** Left by a compaction. */
  readonly cleaned: Offset[];
  readonly hasSwap: boolean;
  readonly hasLeaderEpochs: boolean;
  readonly hasMetadata: boolean;
  readonly isIncomplete: boolean;
}

const segmentName = /^(\d{20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot|\.log\.cleaned)$/;

/** Names that are none of Kafka's or ours are passed over. */
export function sortedFiles(folder: string, entries: readonly FileEntry[]): FolderFiles {
  const segments = new Map<Offset, SegmentFiles>();
  const snapshots: Offset[] = [];
  const cleaned: Offset[] = [];
  const small = new Set<string>();
  for (const { name, sizeBytes } of entries) {
    if (!name.startsWith(`${folder}/`)) continue;
    const match = segmentName.exec(name.slice(folder.length + 1));
    if (match === null) {
      small.add(name.slice(folder.length + 1));
      continue;
    }
    const baseOffset = offset(Number(match[1]));
    const suffix = match[2] as SegmentSuffix;
    if (suffix === '.snapshot') snapshots.push(baseOffset);
    else if (suffix === '.log.cleaned') cleaned.push(baseOffset);
    else {
      let files = segments.get(baseOffset);
      if (files === undefined) segments.set(baseOffset, (files = { baseOffset }));
      if (suffix === '.log') files.log = sizeBytes;
      else if (suffix === '.index') files.index = sizeBytes;
      else if (suffix === '.timeindex') files.timeIndex = sizeBytes;
      else files.txnIndex = sizeBytes;
    }
  }
  const rising = (a: number, b: number): number => a - b;
  return {
    segments: [...segments.values()].sort((a, b) => a.baseOffset - b.baseOffset),
    snapshots: snapshots.sort(rising),
    cleaned: cleaned.sort(rising),
    hasSwap: small.has(SWAP),
    hasLeaderEpochs: small.has(LEADER_EPOCHS),
    hasMetadata: small.has(PARTITION_METADATA),
    isIncomplete: small.has(INCOMPLETE),
  };
}
