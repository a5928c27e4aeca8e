/** In a dedicated worker: writes records to a volume for ever and tells what was synced, or looks what is there. */
import type { AppendFile, Volume } from '@odradek/ports';
import { openIndexedDbVolume } from '@odradek/storage/indexeddb';
import { openOpfsVolume } from '@odradek/storage/opfs';
import type { StorageState, StorageTask } from './storage-task.ts';

const LOG = 'topic-0/00000000000000000000.log';

const open = ({ storage, name }: StorageTask): Promise<Volume> =>
  storage === 'opfs' ? openOpfsVolume({ name }) : openIndexedDbVolume({ name });

/** Of a length that no unit of storage divides; each byte tells whose it is. */
function record(number: number): Uint8Array<ArrayBuffer> {
  const length = 8 + ((number * 7919) % 30_000);
  const bytes = new Uint8Array(length);
  for (let i = 4; i < length; i++) bytes[i] = (i * 31 + number * 17 + (i >>> 8)) & 0xff;
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

async function look(volume: Volume): Promise<StorageState> {
  const file = await volume.open(LOG);
  const bytes = await file.read(0, file.sizeBytes);
  await file.close();
  let records = 0;
  for (let at = 0; at < bytes.length; records++) {
    const expected = record(records);
    const isWhole = expected.every((byte, i) => bytes[at + i] === byte);
    if (!isWhole) break;
    at += expected.length;
  }
  const vote = await volume.readSmall('vote');
  return { records, vote: vote === undefined ? -1 : new DataView(vote.buffer).getUint32(0) };
}

/** The tail that was torn is cut off, as a log does. */
async function openWhole(volume: Volume, records: number): Promise<AppendFile> {
  const file = await volume.open(LOG);
  let sizeBytes = 0;
  for (let i = 0; i < records; i++) sizeBytes += record(i).length;
  await file.truncate(sizeBytes);
  return file;
}

/** Three records are under way at a time. */
async function write(volume: Volume): Promise<never> {
  const state = await look(volume);
  const file = await openWhole(volume, state.records);
  for (let next = state.records; ; next += 3) {
    const three = [0, 1, 2].map((i) => file.append([record(next + i)]));
    await Promise.all([...three, file.sync()]);
    const vote = new Uint8Array(20 + (next % 90) * 400);
    new DataView(vote.buffer).setUint32(0, next);
    await volume.replace('vote', vote);
    postMessage({ records: next + 3, vote: next } satisfies StorageState);
  }
}

/** Until there is no room; then what was there before must be there, and after a removal there is room again. */
async function fill(volume: Volume): Promise<StorageState> {
  const other = await volume.open('other');
  // Packed, a repeated byte takes no room.
  const chunk = crypto.getRandomValues(new Uint8Array(65_536));
  for (let i = 0; i < 10; i++) await other.append([chunk]);
  await other.close();
  const file = await volume.open(LOG);
  let kept = 0;
  const refusal = await (async () => {
    for (; kept < 2_000; kept++) {
      const sound = record(kept);
      crypto.getRandomValues(sound);
      await file.append([sound, chunk]);
    }
    return undefined;
  })().catch((error: unknown) => error as Error & { kind: string });
  const sizeBytes = file.sizeBytes;
  const read = await file.read(sizeBytes - chunk.length, chunk.length + 1);
  const isSound = read.length === chunk.length && read.every((byte, i) => byte === chunk[i]);
  await file.truncate(0);
  await volume.remove('other');
  await file.append([chunk]);
  await file.sync();
  return {
    records: isSound ? kept : -1,
    vote: -1,
    ...(refusal && { error: refusal.message, kind: refusal.kind }),
  };
}

addEventListener('message', ({ data: task }: MessageEvent<StorageTask>) => {
  void (async () => {
    const volume = await open(task);
    if (task.work === 'write') return write(volume);
    const state = await (task.work === 'look' ? look(volume) : fill(volume));
    await volume.close();
    return state;
  })().then(
    (state) => postMessage(state),
    (error: unknown) => postMessage({ records: -1, vote: -1, error: String(error) }),
  );
});
