/** Codecs that a host fetches when they are first met (a browser does): waited for here, since batches are packed and unpacked at once. */
import { batchesIn } from '@odradek/protocol';
import type { CompressionName, FetchResponse } from '@odradek/protocol';
import type { Cluster } from './cluster.ts';
import { ClientClosed, CodecUnavailable, asError } from './errors.ts';
import { withRetries } from './retry.ts';

/** A page may be offline for a while; that a file is not served at all must be told sooner than that a broker cannot be reached. */
const LOADING_MS_MAX = 10_000;

/** A cluster, as far as it is needed here. */
type CodecUser = Pick<Cluster, 'host' | 'retry' | 'isClosed'>;

/** Tried again when it fails, and then told. */
export function prepareCodec(user: CodecUser, codec: CompressionName): Promise<void> {
  const { host, retry } = user;
  const policy = { ...retry, timeoutMs: Math.min(retry.timeoutMs, LOADING_MS_MAX) };
  return withRetries(host, policy, async () => {
    if (user.isClosed) throw new ClientClosed('the client is closed');
    try {
      await host.compression.prepare?.(codec);
    } catch (cause) {
      throw new CodecUnavailable(
        `what packs and unpacks ${codec} cannot be loaded: see that it is served beside the program, and that the network is there (${asError(cause).message})`,
        { cause },
      );
    }
  });
}

/** For what a fetch has brought. A host that has all of its codecs is not kept waiting. */
export async function prepareCodecs(user: CodecUser, { responses }: FetchResponse): Promise<void> {
  if (user.host.compression.prepare === undefined) return;
  const met = new Set<CompressionName>();
  for (const { partitions } of responses)
    for (const { records } of partitions)
      for (const batch of batchesIn(records ?? new Uint8Array(0)))
        if (batch.compression !== undefined) met.add(batch.compression);
  for (const codec of met) await prepareCodec(user, codec);
}
