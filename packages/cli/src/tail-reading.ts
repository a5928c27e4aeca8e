/** What the two ways of reading, alone and as a member, have in common. */
import type { Cluster } from '@odradek/client';
import type { TailOptions } from './commands/tail.ts';
import type { Progress } from './progress.ts';
import type { RecordWriter } from './record-writer.ts';
import type { World } from './world.ts';

export interface Reading {
  readonly world: World;
  readonly cluster: Cluster;
  readonly topic: string;
  readonly options: TailOptions;
  readonly writer: RecordWriter;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Who prints to a terminal sees how it goes; a person who waits for what is silent, or goes elsewhere, is told. */
export function tellProgress(world: World, progress: Progress, writer: RecordWriter): void {
  if (world.stderr.isTerminal && (!world.stdout.isTerminal || writer.count === 0))
    progress.tell(() => `${writer.seen} records read, ${writer.count} printed`);
}
