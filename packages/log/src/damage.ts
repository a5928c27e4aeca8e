/**
 * A scan met bytes that are no sound batch. Is it the torn end of the last write, which nobody was told of and which is cut?
 * Or were these bytes flushed, so that cutting would lose what was acknowledged?
 *
 * What a stop leaves of bytes that were not synced:
 * - The process died: the front of them, and nothing else. So the torn end is the front of one batch; whatever else stands
 *   there, a whole batch with a wrong checksum above all, is damage in bytes that were whole once.
 * - The machine died (the owner says so): holes too, zeros or garbage with sound sectors behind. With flush.messages=1 only the
 *   last few MiB can be so, in the last segment alone (writer.ts); otherwise everything behind the recovery point can.
 * - Nobody knows which of the two: damage is told from a torn end by the sound batches behind it alone.
 * And below the recovery point nothing may be missing at all.
 */
import { BATCH_HEADER_BYTES, BatchView, MAGIC_V2, isCrcValid } from '@odradek/protocol';
import type { Crc32c } from '@odradek/ports';
import type { Offset } from '@odradek/protocol';
import {
  BATCH_BYTES_MAX,
  SCAN_WINDOW_BYTES,
  UNSYNCED_BYTES_MAX,
  WRITE_GROUP_BYTES_MAX,
} from './limits.ts';
import type { LogEnd } from './errors.ts';
import type { LogConfig } from './log-config.ts';
import type { Segment } from './segment.ts';
import { headerProblem } from './scan.ts';
import type { ReadBytes } from './scan.ts';

/** Of the magic byte, in a batch. */
const MAGIC_AT = 16;
/** Of the first byte that the checksum covers. */
const ATTRIBUTES_AT = 21;

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
  /** False: the process alone has died. Undefined: nobody knows. */
  readonly isPowerLoss: boolean | undefined;
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
  if (isPowerLoss === false) {
    const why = await whyNotFront(damage, crc32c);
    if (why !== undefined) return why;
  }
  if (isPowerLoss && config.flushMessages > 1) return undefined;
  if (
    isPowerLoss &&
    later.length === 0 &&
    segment.sizeBytes - position <=
      UNSYNCED_BYTES_MAX + WRITE_GROUP_BYTES_MAX + config.maxMessageBytes
  )
    return undefined;
  const sound = await soundBatchFrom(segment, position, crc32c);
  if (sound === position) return 'its bytes match their checksum';
  if (sound !== undefined) return `a sound batch follows at byte ${sound}`;
  for (const next of later) {
    if ((await soundBatchFrom(next, 0, crc32c)) !== undefined)
      return `sound batches follow in ${next.file.name}`;
  }
  return undefined;
}

/** Undefined: it is the front of one batch, as a process leaves it that dies while it writes. */
async function whyNotFront(
  { segment, position, offset, later }: Damage,
  crc32c: Crc32c,
): Promise<string | undefined> {
  if (later[0] !== undefined) return `${later[0].file.name} was begun behind it`;
  const left = segment.sizeBytes - position;
  if (left < BATCH_HEADER_BYTES) return undefined;
  const bytes = await segment.file.read(position, Math.min(left, BATCH_BYTES_MAX));
  if (headerProblem(bytes, 0, offset) !== undefined) return 'its header is all there';
  const batch = new BatchView(bytes);
  if (batch.sizeBytes <= left) return 'all of its bytes are there';
  // It may be the length itself that has changed.
  const isWhole = crc32c(bytes.subarray(ATTRIBUTES_AT)) === batch.crc;
  return isWhole ? 'all of its bytes are there, and its length is wrong' : undefined;
}

/**
 * Where a damaged segment ends: by the headers, when they lead from the damage to the end of the file; else by the sound batches
 * behind it. Undefined when neither does.
 */
export async function endOf(
  segment: Segment,
  position: number,
  crc32c: Crc32c,
): Promise<LogEnd | undefined> {
  const read: ReadBytes = (at, length) => segment.file.read(at, length);
  const byHeaders = await lastBatchFrom(read, position, segment.baseOffset, segment.sizeBytes);
  if (byHeaders !== undefined) return byHeaders;
  const sound = await soundBatchFrom(segment, position, crc32c);
  return sound === undefined
    ? undefined
    : lastBatchFrom(read, sound, segment.baseOffset, segment.sizeBytes);
}

async function lastBatchFrom(
  read: ReadBytes,
  from: number,
  baseOffset: Offset,
  sizeBytes: number,
): Promise<LogEnd | undefined> {
  let end: LogEnd | undefined;
  let nextOffset = baseOffset;
  let at = from;
  while (at + BATCH_HEADER_BYTES <= sizeBytes) {
    const header = await read(at, BATCH_HEADER_BYTES);
    if (headerProblem(header, 0, nextOffset) !== undefined) return undefined;
    const batch = new BatchView(header);
    at += batch.sizeBytes;
    nextOffset = batch.nextOffset;
    end = { epoch: batch.leaderEpoch, offset: batch.nextOffset };
  }
  return at === sizeBytes ? end : undefined;
}

/**
 * Searches byte by byte, for a batch of any offset: the checksum covers all but that. A record's value may hold bytes that
 * look like a batch; what is taken for one must lead, batch by batch, to the end of the file.
 */
async function soundBatchFrom(
  { file, sizeBytes, baseOffset }: Segment,
  from: number,
  crc32c: Crc32c,
): Promise<number | undefined> {
  const read: ReadBytes = (position, length) => file.read(position, length);
  let position = from;
  while (position + BATCH_HEADER_BYTES <= sizeBytes) {
    const bytes = await read(position, SCAN_WINDOW_BYTES);
    const last = bytes.length - BATCH_HEADER_BYTES;
    for (let at = 0; at <= last; at++) {
      // The cheapest test first.
      if (bytes[at + MAGIC_AT] !== MAGIC_V2 || headerProblem(bytes, at, baseOffset) !== undefined)
        continue;
      const end = position + at + new BatchView(bytes, at).sizeBytes;
      if (end <= sizeBytes && (await leadsToEnd(read, position + at, end, sizeBytes, crc32c)))
        return position + at;
    }
    if (last < 0) return undefined;
    position += last + 1;
  }
  return undefined;
}

async function leadsToEnd(
  read: ReadBytes,
  from: number,
  end: number,
  sizeBytes: number,
  crc32c: Crc32c,
): Promise<boolean> {
  const first = new BatchView(await read(from, end - from));
  if (!isCrcValid(first, crc32c)) return false;
  let { nextOffset } = first;
  for (let at = end; at + BATCH_HEADER_BYTES <= sizeBytes;) {
    const header = await read(at, BATCH_HEADER_BYTES);
    if (headerProblem(header, 0, nextOffset) !== undefined) return false;
    const batch = new BatchView(header);
    at += batch.sizeBytes;
    nextOffset = batch.nextOffset;
  }
  return true;
}
