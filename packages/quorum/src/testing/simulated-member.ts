/** A node of a simulated ensemble: what outlives its processes, and what the present one has. */
import type { MemoryDisk, MemoryVolume } from '@odradek/storage/memory';
import type { NodeId, Uuid } from '@odradek/protocol';
import type { QuorumMember } from '../member/quorum-member.ts';
import type { RecordingLog } from './recording-log.ts';

export const ELECTION_TIMEOUT_MS = 300;
export const FETCH_TIMEOUT_MS = 600;
/** What a leader that nobody hears may take to notice, and its machine to say so. */
export const LEASE_MS = FETCH_TIMEOUT_MS * 1.5 * 1.5 + 50;

export class SimulatedMember {
  readonly id: NodeId;
  disk: MemoryDisk;
  incarnation: Uuid;
  /** Counts its processes; 0 in between has none. */
  life = 0;
  isUp = false;
  volume: MemoryVolume | undefined;
  log: RecordingLog | undefined;
  member: QuorumMember | undefined;
  /** Its log's flushed end when it was last up: what a majority may count on. */
  flushedOffset = 0;
  startError: unknown;
  /** What is being answered, as whoever asks will hear it when the process dies. */
  readonly asked = new Set<() => void>();
  /** What disks held that were lost since. */
  readonly lost = new Map<Uuid, number>();

  constructor(id: NodeId, disk: MemoryDisk, incarnation: Uuid) {
    this.id = id;
    this.disk = disk;
    this.incarnation = incarnation;
  }
}
