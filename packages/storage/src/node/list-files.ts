/** Finds the files of a folder by the prefix of their names, in one walk of no more folders than may hold some. */
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { isFileName, type FileEntry } from '@odradek/ports';
import { isErrorOf, type Io } from './io.ts';

/** So that a walk through thousands of folders does not fill the system's queue before everybody else. */
const FOLDERS_AT_ONCE = 16;

export async function listFiles(
  io: Io,
  root: string,
  prefix: string,
  isListed: (name: string) => boolean,
): Promise<readonly FileEntry[]> {
  const start = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
  if (start !== '' && !isFileName(start)) return [];
  if (start === '' && prefix.startsWith('/')) return [];
  const found: FileEntry[] = [];
  const folders = [start];

  const walk = async (folder: string): Promise<void> => {
    const files: string[] = [];
    for (const entry of await entriesOf(io, join(root, folder))) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (!isFileName(name)) continue;
      if (entry.isDirectory() && (`${name}/`.startsWith(prefix) || prefix.startsWith(`${name}/`)))
        folders.push(name);
      if (entry.isFile() && name.startsWith(prefix) && isListed(name)) files.push(name);
    }
    const sizes = await Promise.all(files.map((name) => sizeOf(io, join(root, name))));
    files.forEach((name, i) => {
      const sizeBytes = sizes[i];
      if (sizeBytes !== undefined) found.push({ name, sizeBytes });
    });
  };

  while (folders.length > 0) await Promise.all(folders.splice(0, FOLDERS_AT_ONCE).map(walk));
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function entriesOf(io: Io, path: string): Promise<readonly Dirent[]> {
  try {
    return await io.readdir(path);
  } catch (error) {
    // Absent, or removed while we were on the way.
    if (isErrorOf(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function sizeOf(io: Io, path: string): Promise<number | undefined> {
  try {
    return Number((await io.stat(path)).size);
  } catch (error) {
    if (isErrorOf(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
