/**
 * Keeps a damaged log for a person, in a folder of its own beside the partition's, and empties the partition's. One a partition:
 * an older one makes room. Kafka's name for folders that it does not serve, so that its tools pass over it.
 *
 * A volume cannot rename: everything is copied first. From the note in the partition's folder on the copy is complete, and what
 * a stop leaves of the folder is not a log any more: whoever finds the note goes on with the removal, before the log is opened.
 * Derived files are not copied. What cannot be read is left out, and the copy says so.
 */
import { INCOMPLETE, folderOf } from '@odradek/log';
import type { FileEntry, Volume } from '@odradek/ports';
import { utf8Encode } from '@odradek/protocol';
import type { ReplicaKey } from '@odradek/replication';
import { PARTITION_METADATA } from './partition-folders.ts';

/** Its presence in a partition's folder says that all in it has been copied. */
const NOTE = 'set-aside';
/** Beside the copy, for people. */
const EXPLANATION = 'why.txt';
const COPY_BYTES = 1 << 20;
/** Of the 255 that a file system takes; the rest is for what follows the name. */
const TOPIC_LENGTH_MAX = 200;
const DERIVED = ['.index', '.timeindex', '.txnindex'];

export const asideFolderOf = ({ topic, topicId, partition }: ReplicaKey): string =>
  `${topic.slice(0, TOPIC_LENGTH_MAX)}-${partition}.${topicId}-stray`;

/** Whether the folder is to be emptied, not opened. */
export const isSetAside = (folder: string, files: readonly FileEntry[]): boolean =>
  files.some(({ name }) => name === `${folder}/${NOTE}`);

/** The log is closed. `forget` makes durable that nothing is known of it any more. */
export const setLogAside = async (
  volume: Volume,
  key: ReplicaKey,
  reason: string,
  forget: () => Promise<void>,
): Promise<void> => {
  const folder = folderOf(key.topic, key.partition);
  const files = await volume.list(`${folder}/`);
  if (!isSetAside(folder, files)) {
    await copy(volume, key, files, reason);
    await volume.replace(`${folder}/${NOTE}`, utf8Encode(`${asideFolderOf(key)}\n`));
  }
  await forget();
  await empty(volume, folder, files);
};

/** What a stop interrupted. */
export const finishSettingAside = async (
  volume: Volume,
  folder: string,
  files: readonly FileEntry[],
  forget: () => Promise<void>,
): Promise<void> => {
  await forget();
  await empty(volume, folder, files);
};

/** Of a topic that is deleted. */
export const removeAside = async (volume: Volume, key: ReplicaKey): Promise<void> => {
  for (const { name } of await volume.list(`${asideFolderOf(key)}/`)) await volume.remove(name);
};

const copy = async (
  volume: Volume,
  key: ReplicaKey,
  files: readonly FileEntry[],
  reason: string,
): Promise<void> => {
  const folder = folderOf(key.topic, key.partition);
  const aside = asideFolderOf(key);
  await removeAside(volume, key);
  const unread: string[] = [];
  for (const { name, sizeBytes } of files) {
    if (DERIVED.some((it) => name.endsWith(it))) continue;
    const to = `${aside}${name.slice(folder.length)}`;
    const read = name.endsWith('.log')
      ? await copyLog(volume, name, to, sizeBytes)
      : await copySmall(volume, name, to);
    if (read !== undefined) unread.push(`${name}: ${read}`);
  }
  const lines = [`${folder} of topic ${key.topicId} was set aside, because:`, reason, ...unread];
  // Durable, and so is all before it.
  await volume.replace(`${aside}/${EXPLANATION}`, utf8Encode(`${lines.join('\n')}\n`));
};

/** Why not all of it could be read; a copy that cannot be written is an error. */
const copyLog = async (
  volume: Volume,
  from: string,
  to: string,
  sizeBytes: number,
): Promise<string | undefined> => {
  const source = await volume.open(from);
  const target = await volume.open(to);
  let problem: string | undefined;
  try {
    for (let at = 0; at < sizeBytes; at += COPY_BYTES) {
      let bytes: Uint8Array;
      try {
        bytes = await source.read(at, COPY_BYTES);
      } catch (error) {
        problem = `nothing could be read from byte ${at} on (${String(error)})`;
        break;
      }
      await target.append([bytes]);
    }
    await target.sync();
  } finally {
    await source.close();
    await target.close();
  }
  return problem;
};

const copySmall = async (volume: Volume, from: string, to: string): Promise<string | undefined> => {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await volume.readSmall(from);
  } catch (error) {
    return `it could not be read (${String(error)})`;
  }
  if (bytes !== undefined) await volume.replace(to, bytes);
  return undefined;
};

/** The note goes when nothing is left that could be taken for a log; the topic's id stays. */
const empty = async (
  volume: Volume,
  folder: string,
  files: readonly FileEntry[],
): Promise<void> => {
  const note = `${folder}/${NOTE}`;
  const metadata = `${folder}/${PARTITION_METADATA}`;
  for (const { name } of files) if (name !== note && name !== metadata) await volume.remove(name);
  // A removal is for good at the next durable operation: the note must not go before.
  // What begins here lacks everything, until it has caught up.
  await volume.replace(`${folder}/${INCOMPLETE}`, new Uint8Array(0));
  await volume.remove(note);
};
