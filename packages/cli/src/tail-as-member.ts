/** `tail --group`: a member like any other. What was printed is committed; what was fetched and not printed is left to the next. */
import { Consumer } from '@odradek/client';
import type { Place } from './places.ts';
import { placeAt } from './places.ts';
import { tellProgress } from './tail-reading.ts';
import type { Reading } from './tail-reading.ts';
import { UsageError } from './world.ts';

/** How often it is looked whether the end is reached. */
const LOOK_EVERY_MS = 200;

export async function tailAsMember(
  { world, cluster, topic, options, writer, signal, progress }: Reading,
  until: Place | undefined,
): Promise<void> {
  if (options.partition !== undefined)
    throw new UsageError('--group: the group gives the partitions; leave --partition away');
  if (until !== undefined && !('at' in until && until.at === 'latest'))
    throw new UsageError('--group reads until latest, or on and on');
  const consumer = new Consumer(cluster, {
    group: options.group,
    from: memberFrom(options.from, options.isFromGiven, cluster.host.clock.wallTimeMs()),
  });
  try {
    await consumer.subscribe([topic]);
    while (!writer.isFull && !(until !== undefined && isAtEnd(consumer))) {
      const batch = await consumer.poll(signal, { waitMs: LOOK_EVERY_MS });
      if (batch === undefined) continue;
      const { records } = batch;
      const looked = await writer.write(records);
      for (const record of records.slice(0, looked)) consumer.finished(record);
      tellProgress(world, progress, writer);
    }
  } finally {
    await consumer.close({ abandon: true });
  }
}

/** Of those partitions that it was given; others' are others'. */
const isAtEnd = (consumer: Consumer): boolean =>
  consumer.assignment.length > 0 && consumer.assignment.every((each) => consumer.lag(each) === 0);

/** Where a group begins that has committed nothing yet. */
function memberFrom(
  from: Place,
  isGiven: boolean,
  nowMs: number,
): 'earliest' | 'latest' | { readonly timestampMs: number } {
  if (!isGiven) return 'latest';
  const point = placeAt(from, nowMs);
  if ('at' in point) return point.at;
  if ('timestampMs' in point) return point;
  throw new UsageError(
    '--group begins where the group stands, else at earliest, latest or a time; odradek group reset moves it',
  );
}
