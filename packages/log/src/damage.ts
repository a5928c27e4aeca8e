/**
 * A scan met bytes that are no sound batch. Is it the torn end of the last write, which nobody was told of and which is cut?
 * Or were these bytes flushed, so that cutting would lose what was acknowledged?
 *
 * What a stop leaves of bytes that were not synced:
 * - The process died: the front of them. So when sound batches follow, the damage is in bytes that were whole once.
 * - The machine died (the owner says so): holes too, zeros or garbage with sound sectors behind. With flush.messages=1 only the
 *   last few MiB can be so, in the last segment alone (writer.ts); otherwise everything behind the recovery point can.
 * And below the recovery point nothing may be missing at all.
 */
import { BATCH_HEADER_BYTES, BatchView, isCrcValid } from '@odradek/protocol';
import type { Crc32c } from '@odradek/ports';
import type { Offset } from '@odradek/protocol';
import { SCAN_WINDOW_BYTES, UNSYNCED_BYTES_MAX, WRITE_GROUP_BYTES_MAX } from './limits.ts';
import type { LogConfig } from './log-config.ts';
import type { Segment } from './segment.ts';
import { headerProblem } from './scan.ts';

export interface Damage {
  readonly segment: Segment;
  readonly position: number;
  /** The first offset that is not there. */
  readonly offset: Offset;
  /** Segments behind, with bytes. */
  readonly later: readonly Segment[];
}

export interface Circumstances {
  readonly recoveryPoint: Offset;
  readonly isPowerLoss: boolean;
  readonly config: LogConfig;
  readonly crc32c: Crc32c;
}

/** Undefined: torn. A string: why it must not be cut. */
export async function whyNotTorn(
  damage: Damage,
  { recoveryPoint, isPowerLoss, config, crc32c }: Circumstances,
): Promise<string | undefined> {
  const { segment, position, offset, later } = damage;
  if (offset < recoveryPoint)
    return `offset ${offset} was flushed (the recovery point is ${recoveryPoint})`;
  if (isPowerLoss && config.flushMessages > 1) return undefined;
  if (
    isPowerLoss &&
    later.length === 0 &&
    segment.sizeBytes - position <=
      UNSYNCED_BYTES_MAX + WRITE_GROUP_BYTES_MAX + config.maxMessageBytes
  )
    return undefined;
  const sound = await soundBatchBehind(segment, position + 1, offset, crc32c);
  if (sound !== undefined) return `a sound batch follows at byte ${sound}`;
  for (const next of later) {
    if ((await soundBatchBehind(next, 0, next.baseOffset, crc32c)) !== undefined)
      return `sound batches follow in ${next.file.name}`;
  }
  return undefined;
}

/**
 * Searches byte by byte. A record's value may hold bytes that look like a batch; what is taken for one must lead, batch by
 * batch, to the end of the file.
 */
async function soundBatchBehind(
  { file, sizeBytes }: Segment,
  from: number,
  minOffset: Offset,
  crc32c: Crc32c,
): Promise<number | undefined> {
  let position = from;
  while (position + BATCH_HEADER_BYTES <= sizeBytes) {
    const bytes = await file.read(position, SCAN_WINDOW_BYTES);
    const last = bytes.length - BATCH_HEADER_BYTES;
    for (let at = 0; at <= last; at++) {
      // The cheapest test first: magic 2, and a length below 16 MiB or a first byte that the header test will judge.
      if (bytes[at + 16] !== 2 || bytes[at] !== 0) continue;
      if (headerProblem(bytes, at, minOffset) !== undefined) continue;
      if (position + at + new BatchView(bytes, at).sizeBytes > sizeBytes) continue;
      if (await leadsToEnd(file.read.bind(file), position + at, sizeBytes, minOffset, crc32c))
        return position + at;
    }
    if (last < 0) return undefined;
    position += last + 1;
  }
  return undefined;
}

async function leadsToEnd(
  read: (position: number, length: number) => Promise<Uint8Array>,
  from: number,
  sizeBytes: number,
  minOffset: Offset,
  crc32c: Crc32c,
): Promise<boolean> {
  const first = new BatchView(
    await read(from, new BatchView(await read(from, BATCH_HEADER_BYTES)).sizeBytes),
  );
  if (!isCrcValid(first, crc32c)) return false;
  let at = from + first.sizeBytes;
  let nextOffset = first.nextOffset;
  while (at + BATCH_HEADER_BYTES <= sizeBytes) {
    const header = await read(at, BATCH_HEADER_BYTES);
    if (headerProblem(header, 0, Math.max(nextOffset, minOffset)) !== undefined) return false;
    const batch = new BatchView(header);
    at += batch.sizeBytes;
    nextOffset = batch.nextOffset;
  }
  return true;
}
