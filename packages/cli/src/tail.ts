/** Reads a topic's records and prints them: from a place to another or on and on, alone or as a member of a group. */
import { readTopic } from '@odradek/client';
import type { StartingPoint } from '@odradek/client';
import type { TailOptions } from './commands/tail.ts';
import { withCluster } from './connect.ts';
import { interruptible } from './interruption.ts';
import { say } from './messages.ts';
import { placeAt } from './places.ts';
import type { Place } from './places.ts';
import { Progress } from './progress.ts';
import { recordFilter } from './record-filter.ts';
import { recordFormat } from './record-format.ts';
import { RecordWriter } from './record-writer.ts';
import { tailAsMember } from './tail-as-member.ts';
import { tellProgress } from './tail-reading.ts';
import type { Reading } from './tail-reading.ts';
import { EXIT_FAILURE, EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

export async function tail(world: World, topic: string, options: TailOptions): Promise<number> {
  const until: Place | undefined = options.until ?? (options.exit ? { at: 'latest' } : undefined);
  if (options.follow && until !== undefined)
    throw new UsageError('--follow goes on for ever: it does not go with --until or --exit');
  const filter = recordFilter(options);
  const writer = new RecordWriter(world, recordFormat(topic, options, world.stdout.isTerminal), {
    filter,
    max: options.number,
  });
  const isEndless = until === undefined && options.number === undefined;
  const progress = new Progress(world);
  return withCluster(world, options, (cluster) =>
    interruptible(
      world,
      async (signal) => {
        const nowMs = cluster.host.clock.wallTimeMs();
        const reading = { world, cluster, topic, options, writer, signal, progress };
        await writer.begin();
        try {
          if (options.group === undefined)
            await readAlone(reading, {
              from: placeAt(options.from, nowMs),
              until: until && placeAt(until, nowMs),
            });
          else await tailAsMember(reading, until);
        } finally {
          await progress.end();
          // What was begun is closed, so that an interrupted list is a list still.
          await writer.end();
        }
        return outcome(world, options, writer, filter !== undefined);
      },
      { isItsEnd: isEndless },
    ),
  );
}

async function readAlone(
  { cluster, topic, options, writer, signal, progress, world }: Reading,
  range: { readonly from: StartingPoint; readonly until: StartingPoint | undefined },
): Promise<void> {
  const batches = readTopic(cluster, { topic, ...range, signal, partitions: options.partition });
  for await (const records of batches) {
    await writer.write(records);
    tellProgress(world, progress, writer);
    if (writer.isFull) return;
  }
}

/** A number that was asked for and nothing found: a script wants to know, as from grep. */
async function outcome(
  world: World,
  { number }: TailOptions,
  writer: RecordWriter,
  isFiltered: boolean,
): Promise<number> {
  if (number === undefined || writer.count > 0) return EXIT_OK;
  await say(
    world,
    isFiltered
      ? `odradek: none of ${writer.seen} records matched`
      : 'odradek: there were no records',
  );
  return EXIT_FAILURE;
}
