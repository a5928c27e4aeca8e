/**
 * Whether the machine itself has stopped since this folder was last used. A process that was killed leaves the files as it
 * wrote them; a machine that lost its power may leave holes in what was not flushed. Only then may recovery take damage at a
 * log's end, with sound batches behind it, for what was never acknowledged: otherwise it is corruption, and nothing is cut.
 */
import type { Volume } from '@odradek/ports';
import { utf8Decode, utf8Encode } from '@odradek/protocol';

const FILE = 'boot-id';

/** `bootId` names this run of the machine. Undefined: the host cannot tell, or could not when the folder was last used. */
export const machineHasRestarted = async (
  volume: Volume,
  bootId: string | undefined,
): Promise<boolean | undefined> => {
  const known = await rememberedBoot(volume);
  return bootId === undefined || known === undefined ? undefined : known !== bootId;
};

/** Once all logs are recovered, and not before: a start that is cut off must find again what it had to repair. */
export const rememberBoot = async (volume: Volume, bootId: string | undefined): Promise<void> => {
  if (bootId === undefined || (await rememberedBoot(volume)) === bootId) return;
  await volume.replace(FILE, utf8Encode(`${bootId}\n`));
};

const rememberedBoot = async (volume: Volume): Promise<string | undefined> => {
  const bytes = await volume.readSmall(FILE);
  return bytes === undefined ? undefined : utf8Decode(bytes).trim();
};
