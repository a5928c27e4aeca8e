/** .kafka_cleanshutdown: there only between an orderly stop and the next start, which takes it away before anything is written. */
import type { Volume } from '@odradek/ports';
import { utf8Decode, utf8Encode } from '@odradek/protocol';

const FILE = '.kafka_cleanshutdown';

/** Whether the last stop was orderly; from now on it no longer was. */
export const takeCleanShutdown = async (volume: Volume): Promise<boolean> => {
  const bytes = await volume.readSmall(FILE);
  if (bytes === undefined) return false;
  // Replaced, not removed: a removal may not be durable at once, and after a crash would vouch for this life too.
  await volume.replace(FILE, new Uint8Array(0));
  await volume.remove(FILE);
  return utf8Decode(bytes).includes('"version":0');
};

export const markCleanShutdown = (volume: Volume, brokerEpoch: number): Promise<void> =>
  volume.replace(FILE, utf8Encode(JSON.stringify({ version: 0, brokerEpoch })));
