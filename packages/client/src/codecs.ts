/** Codecs that a host fetches when they are first met (a browser does): waited for here, since batches are packed and unpacked at once. */
import { batchesIn } from '@odradek/protocol';
import type { CompressionName } from '@odradek/protocol';
import type { ClientHost } from './host.ts';

/** For what a fetch has brought. A host that has all of its codecs is not kept waiting. */
export async function prepareCodecs(
  { compression }: ClientHost,
  fetched: readonly { readonly records: Uint8Array | null }[],
): Promise<void> {
  const met = new Set<CompressionName>();
  for (const { records } of fetched)
    for (const batch of batchesIn(records ?? new Uint8Array(0)))
      if (batch.compression !== undefined) met.add(batch.compression);
  for (const codec of met) await compression.prepare?.(codec);
}
