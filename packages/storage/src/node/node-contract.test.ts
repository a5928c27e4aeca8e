import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { volumeContract } from '@odradek/ports/testing';
import { openNodeVolume } from './index.ts';
import { refusingFs } from './refusing-fs.testing.ts';

volumeContract('node', () => {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-volume-'));
  const { fs, refuseNext } = refusingFs();
  return {
    open: () => openNodeVolume({ directory, fs }),
    failNext: (operation, kind) =>
      refuseNext(
        operation === 'append' ? 'writev' : operation === 'sync' ? 'fdatasync' : 'writev',
        kind === 'full' ? 'ENOSPC' : 'EIO',
      ),
    dispose: async () => rmSync(directory, { recursive: true, force: true }),
  };
});
