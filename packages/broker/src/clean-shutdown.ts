/** .kafka_cleanshutdown: there only between an orderly stop and the next start, which takes it away before anything is written. */
import type { Volume } from '@odradek/ports';
import { utf8Decode, utf8Encode } from '@odradek/protocol';

const FILE = '.kafka_cleanshutdown';

/** The broker epoch of a life that ended orderly, undefined when the last one did not; from now on it no longer did. */
export const takeCleanShutdown = async (volume: Volume): Promise<number | undefined> => {
  const bytes = await volume.readSmall(FILE);
  if (bytes === undefined) return undefined;
  // Replaced, not removed: a removal may not be durable at once, and after a crash would vouch for this life too.
  await volume.replace(FILE, new Uint8Array(0));
  await volume.remove(FILE);
  return epochIn(utf8Decode(bytes));
};

export const markCleanShutdown = (volume: Volume, brokerEpoch: number): Promise<void> =>
  volume.replace(FILE, utf8Encode(JSON.stringify({ version: 0, brokerEpoch })));

const epochIn = (text: string): number | undefined => {
  try {
    const { version, brokerEpoch } = JSON.parse(text) as Record<string, unknown>;
    return version === 0 && typeof brokerEpoch === 'number' ? brokerEpoch : undefined;
  } catch {
    return undefined;
  }
};
