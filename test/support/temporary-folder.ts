/** A folder that is gone with the block that made it. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** Memory that looks like a disk, where there is any: for tests of what is in the files, not of how they get to a disk. */
const MEMORY = '/dev/shm';

export const temporaryFolder = async ({ isInMemory = false } = {}): Promise<TemporaryFolder> => {
  const parent = isInMemory && existsSync(MEMORY) ? MEMORY : tmpdir();
  const path = await mkdtemp(join(parent, 'odradek-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};
