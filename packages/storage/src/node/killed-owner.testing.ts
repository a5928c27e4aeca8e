/**
 * The owner of a folder that a test kills: appends and syncs, replaces a small file, and says on standard output what has settled,
 * one line each, until it is killed. "<size> <vote>" promises that so many bytes and that vote are there.
 */
import { VolumeError } from '@odradek/ports';
import { openNodeVolume } from './index.ts';

/** What the byte at a position of the log is. */
export const byteAt = (position: number): number => (position * 31 + (position >>> 8) * 17) & 0xff;

export async function own(directory: string, say: (line: string) => void): Promise<never> {
  const volume = await openNodeVolume({ directory });
  const log = await volume.open('topic-0/0.log');
  let vote = Number(Buffer.from((await volume.readSmall('topic-0/vote')) ?? []).toString());
  let appended = log.sizeBytes;
  for (;;) {
    const calls = [];
    for (let i = 0; i < 8; i++) {
      const from = appended;
      const chunk = Uint8Array.from({ length: 1 + ((from * 7) % 9_000) }, (_, at) =>
        byteAt(from + at),
      );
      appended += chunk.length;
      calls.push(log.append([chunk]));
    }
    calls.push(log.sync(), volume.replace('topic-0/vote', Buffer.from(String(vote + 1))));
    await Promise.all(calls);
    vote += 1;
    say(`${appended} ${vote}`);
  }
}

const directory = process.argv[2];
if (directory !== undefined && process.argv[3] === 'own') {
  own(directory, (line) => process.stdout.write(`${line}\n`)).catch((error: unknown) => {
    process.stdout.write(`${error instanceof VolumeError ? error.kind : String(error)}\n`);
    process.exitCode = 1;
  });
}
