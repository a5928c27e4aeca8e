import * as nodeFs from 'node:fs';
import type { BufferPool, Volume } from '@odradek/ports';
import { createIo, type NodeFs } from './io.ts';
import { openFolder } from './node-volume.ts';

export type { NodeFs } from './io.ts';

export interface NodeVolumeOptions {
  /** Made when absent, with those above it. */
  readonly directory: string;
  /** Holds the owner's process id, and nothing else. */
  readonly lockFile?: string;
  /** A little less than what `ulimit -n` leaves beside sockets. */
  readonly openFilesMax?: number;
  /** Where large reads get their memory; fresh for each when absent. */
  readonly buffers?: BufferPool;
  /** For tests that need a file system that refuses. */
  readonly fs?: NodeFs;
}

export const LOCK_FILE_DEFAULT = 'odradek.pid';
export const OPEN_FILES_MAX_DEFAULT = 16_384;

/** Opens a folder as a volume. VolumeError 'locked' names the process that holds it. */
export function openNodeVolume(options: NodeVolumeOptions): Promise<Volume> {
  const {
    directory,
    lockFile = LOCK_FILE_DEFAULT,
    openFilesMax = OPEN_FILES_MAX_DEFAULT,
    fs = nodeFs,
    buffers,
  } = options;
  return openFolder({ io: createIo(fs), directory, lockFile, openFilesMax, buffers });
}
