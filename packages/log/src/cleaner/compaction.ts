import type { LogState } from '../log-state.ts';
export interface CompactionNeed {}
export interface CompactionOptions {}
export interface CompactionOutcome {}
export async function compact(_log: LogState, _options?: CompactionOptions): Promise<CompactionOutcome> { return {}; }
export async function compactionNeed(_log: LogState): Promise<CompactionNeed> { return {}; }
