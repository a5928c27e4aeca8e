/**
 * The disk's limit for a broker that flushes before it answers: 16 KiB appends in groups, one write and one fdatasync a group.
 * The file goes on growing from round to round, as a log does: a file that is cut and written anew gets blocks back that the
 * disk has seen before, and on virtual disks those are several times as fast as new ones.
 */
import { fdatasync, open, writev } from 'node:fs';
import { promisify } from 'node:util';

const [file, groupText, windowText] = process.argv.slice(2) as [string, string, string];
const write = promisify(writev);
const sync = promisify(fdatasync);
const fd = await promisify(open)(file, 'a');
const batch = Buffer.alloc(16 * 1024, 7);
const group = Array.from({ length: Number(groupText) }, () => batch);
let bytes = 0;
const startedAt = performance.now();
while (performance.now() - startedAt < Number(windowText)) {
  await write(fd as number, group);
  await sync(fd as number);
  bytes += group.length * batch.length;
}
const seconds = (performance.now() - startedAt) / 1000;
process.stdout.write(
  `${JSON.stringify({ mibPerSecond: Number((bytes / seconds / 1024 / 1024).toFixed(1)) })}\n`,
);
