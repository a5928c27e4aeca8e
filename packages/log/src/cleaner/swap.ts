/**
 * How a cleaned segment takes the place of those it was made from, on volumes without rename, so that a crash at any point
 * leaves the old segments whole or the new one, and in the end the folder holds nothing but Kafka's own names.
 *
 *   1. `<base>.log.cleaned` is written and synced. A crash: it is garbage without a manifest, and removed at the next open.
 *   2. The manifest `compaction-swap` is put down (atomic, durable). From here on the cleaned file is the segment.
 *   3. The other predecessors are removed, which also makes room; `<base>.log` is cut to nothing, the cleaned bytes are copied
 *      into it, and it is synced. A crash: the next open begins this step again, the cleaned file being whole.
 *   4. The manifest is replaced by one that says "done": durable, and with it the removals are. Then the cleaned file and the
 *      manifest are removed. A crash: the next open removes what is left of them.
 *
 * Why a copy: a file's name cannot change, and its bytes can only be cut and appended to. Why "done" and not just a remove: a
 * remove may come undone in a crash, and a manifest without its cleaned file would say nothing. Why not a name of its own
 * for the cleaned file, listed in a manifest for good: Kafka's tools would not find the segment.
 */
import { offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { LogCorruptError } from '../errors.ts';
import { SCAN_WINDOW_BYTES } from '../limits.ts';
import type { LogHost } from '../log-state.ts';
import { SWAP, segmentFile } from '../names.ts';
import type { FolderFiles } from '../names.ts';
import { LogFile } from '../open-files.ts';
import { asciiBytes, asciiText } from '../text.ts';

export interface Swap {
  readonly baseOffset: Offset;
  /** Of the cleaned file. */
  readonly sizeBytes: number;
  /** Base offsets of the segments that it replaces, its own included. */
  readonly replaced: readonly Offset[];
}

const DONE = asciiBytes('0\ndone\n');

/** Step 2. */
export async function commitSwap(
  { volume }: LogHost,
  folder: string,
  { baseOffset, sizeBytes, replaced }: Swap,
): Promise<void> {
  await volume.replace(
    `${folder}/${SWAP}`,
    asciiBytes(`0\n${baseOffset} ${sizeBytes}\n${replaced.join(' ')}\n`),
  );
}

/** Step 3. `others` are the predecessors but for `target`; nobody begins to use them any more. */
export async function moveIntoPlace(
  { volume }: LogHost,
  folder: string,
  swap: Swap,
  cleaned: LogFile,
  target: LogFile,
  others: readonly LogFile[],
): Promise<void> {
  for (const file of others) await file.remove();
  for (const baseOffset of swap.replaced) {
    for (const suffix of ['.index', '.timeindex', '.txnindex'] as const)
      await volume.remove(segmentFile(folder, baseOffset, suffix));
    if (baseOffset !== swap.baseOffset)
      await volume.remove(segmentFile(folder, baseOffset, '.snapshot'));
  }
  // Those who still read the old bytes are waited for.
  await target.close();
  await target.truncate(0);
  for (let position = 0; position < swap.sizeBytes; position += SCAN_WINDOW_BYTES) {
    await target.append([
      await cleaned.read(position, Math.min(SCAN_WINDOW_BYTES, swap.sizeBytes - position)),
    ]);
  }
  await target.sync();
}

/** Step 4. */
export async function closeSwap(
  { volume }: LogHost,
  folder: string,
  cleaned: LogFile,
): Promise<void> {
  await volume.replace(`${folder}/${SWAP}`, DONE);
  await cleaned.remove();
  await volume.remove(`${folder}/${SWAP}`);
}

/** At open: brings an interrupted swap to its end. True: files have changed. */
export async function finishSwap(
  ports: LogHost,
  folder: string,
  files: FolderFiles,
): Promise<boolean> {
  const name = `${folder}/${SWAP}`;
  const bytes = files.hasSwap ? await ports.volume.readSmall(name) : undefined;
  if (bytes === undefined || asciiText(bytes) === asciiText(DONE)) {
    for (const baseOffset of files.cleaned)
      await ports.volume.remove(segmentFile(folder, baseOffset, '.log.cleaned'));
    if (bytes !== undefined) await ports.volume.remove(name);
    return files.cleaned.length > 0 || bytes !== undefined;
  }
  const swap = decodeSwap(bytes);
  if (swap === undefined || !files.cleaned.includes(swap.baseOffset))
    throw new LogCorruptError(
      name,
      0,
      'a compaction was interrupted, and what it wrote cannot be found',
    );
  const fileOf = (at: Offset, suffix: '.log' | '.log.cleaned'): LogFile =>
    new LogFile(segmentFile(folder, at, suffix), ports.volume, ports.resources.openFiles);
  const cleaned = fileOf(swap.baseOffset, '.log.cleaned');
  const target = fileOf(swap.baseOffset, '.log');
  const others = swap.replaced
    .filter((at) => at !== swap.baseOffset)
    .map((at) => fileOf(at, '.log'));
  await cleaned.use(async (file) => {
    if (file.sizeBytes !== swap.sizeBytes)
      throw new LogCorruptError(
        cleaned.name,
        file.sizeBytes,
        `it had ${swap.sizeBytes} bytes when it was flushed`,
      );
  });
  await moveIntoPlace(ports, folder, swap, cleaned, target, others);
  await closeSwap(ports, folder, cleaned);
  await target.close();
  ports.logger.info('an interrupted compaction was brought to its end', {
    folder,
    baseOffset: swap.baseOffset,
  });
  return true;
}

function decodeSwap(bytes: Uint8Array): Swap | undefined {
  const match = /^0\n(\d{1,16}) (\d{1,16})\n(\d{1,16}(?: \d{1,16})*)\n$/.exec(asciiText(bytes));
  if (match === null) return undefined;
  return {
    baseOffset: offset(Number(match[1])),
    sizeBytes: Number(match[2]),
    replaced: match[3]!.split(' ').map((text) => offset(Number(text))),
  };
}
