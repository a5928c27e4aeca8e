import { ClientClosed, readTopic } from '@odradek/client';
import type { ReadRecord } from '@odradek/client';
import { utf8Encode } from '@odradek/protocol';
import type { TailOptions } from './commands/tail.ts';
import { withCluster } from './connect.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

const NEW_LINE = utf8Encode('\n');
/** Written at once when they come at once. */
const WRITE_BYTES = 64 * 1024;

export const tail = (world: World, topic: string, options: TailOptions): Promise<number> =>
  withCluster(world, options, async (cluster) => {
    const stop = new AbortController();
    const forget = world.onSignal(() => stop.abort());
    try {
      await print(
        world,
        topic,
        options,
        readTopic(cluster, {
          topic,
          from: options.offset,
          untilEnd: options.exit ?? false,
          signal: stop.signal,
          ...(options.partition !== undefined && { partitions: options.partition }),
        }),
      );
    } catch (error) {
      // Ctrl-C is how following ends.
      if (!(error instanceof ClientClosed && stop.signal.aborted)) throw error;
    } finally {
      forget();
    }
    return EXIT_OK;
  });

async function print(
  world: World,
  topic: string,
  options: TailOptions,
  batches: AsyncIterable<readonly ReadRecord[]>,
): Promise<void> {
  const format = options.json ? formatJson(topic) : formatPlain(options.keySeparator);
  let left = options.number ?? Number.POSITIVE_INFINITY;
  for await (const records of batches) {
    const wanted = records.slice(0, left);
    left -= wanted.length;
    await write(world, wanted, format);
    if (left <= 0) return;
  }
}

async function write(
  world: World,
  records: readonly ReadRecord[],
  format: (record: ReadRecord) => readonly Uint8Array[],
): Promise<void> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for (const record of records) {
    for (const part of format(record)) {
      parts.push(part);
      bytes += part.length;
    }
    if (bytes < WRITE_BYTES) continue;
    await world.stdout.write(Buffer.concat(parts));
    parts = [];
    bytes = 0;
  }
  if (bytes > 0) await world.stdout.write(Buffer.concat(parts));
}

/** Values as they are, a line each: what `odradek produce` was given comes out again. */
function formatPlain(
  keySeparator: string | undefined,
): (record: ReadRecord) => readonly Uint8Array[] {
  if (keySeparator === undefined)
    return ({ value }) => (value === null ? [NEW_LINE] : [value, NEW_LINE]);
  const separator = utf8Encode(keySeparator);
  return ({ key, value }) => [
    ...(key === null ? [] : [key]),
    separator,
    ...(value === null ? [] : [value]),
    NEW_LINE,
  ];
}

const formatJson =
  (topic: string) =>
  ({ partition, offset, timestampMs, key, value, headers }: ReadRecord): readonly Uint8Array[] => {
    const shown = {
      topic,
      partition,
      offset,
      timestamp: timestampMs,
      ...field('key', key),
      ...field('value', value),
      ...(headers.length > 0 && {
        headers: headers.map((header) => ({ name: header.key, ...field('value', header.value) })),
      }),
    };
    return [utf8Encode(`${JSON.stringify(shown)}\n`)];
  };

/** Text as text; other bytes in base64 under a name that says so. */
function field(name: string, bytes: Uint8Array | null): Readonly<Record<string, string | null>> {
  if (bytes === null) return { [name]: null };
  try {
    return { [name]: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { [`${name}Base64`]: Buffer.from(bytes).toString('base64') };
  }
}
