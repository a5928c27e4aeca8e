import { MemoryDisk, type MemoryDiskOptions } from './memory-disk.ts';
import type { MemoryVolume } from './memory-volume.ts';

export {
  MemoryDisk,
  type MemoryCounters,
  type MemoryDiskOptions,
  type MemoryOperation,
} from './memory-disk.ts';
export { SECTOR_BYTES, type TornTail } from './memory-file-state.ts';
export type { MemoryVolume } from './memory-volume.ts';

/** A volume on a new, empty disk of its own; `volume.disk.mount()` opens it again after a close or a crash. */
export function createMemoryVolume(options: MemoryDiskOptions): MemoryVolume {
  return new MemoryDisk(options).mount();
}
