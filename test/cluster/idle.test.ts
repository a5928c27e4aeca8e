/** A cluster that nobody uses costs next to nothing: no broker polls where it could wait. */
import { readFileSync } from 'node:fs';
import { Admin } from '@odradek/client';
import { describe, expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const WATCHED_MS = 8_000;
/** Of one core, each. */
const SHARE_MAX = 0.06;
/** Of /proc, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

describe('an idle cluster', () => {
  it.skipIf(process.platform !== 'linux')(
    'of three brokers with a topic uses a few percent of a core at most',
    { timeout: 120_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using brokers = await ClusterProcesses.start({ folder: folder.path });
      const cluster = brokers.connect();
      const admin = new Admin(cluster);
      await admin.createTopic({ name: 'quiet', partitions: 30, replicationFactor: 3 });
      await brokers.whenInSync(admin, 'quiet');
      cluster.close();
      const used = (): readonly number[] =>
        brokers.nodeIds.map((it) => cpuSeconds(brokers.broker(it).pid));
      // What a start leaves to do is not idling.
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const before = used();
      const startedAt = performance.now();
      await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
      const seconds = (performance.now() - startedAt) / 1_000;
      const shares = used().map((it, i) => (it - before[i]!) / seconds);
      process.stdout.write(
        `idle brokers use ${shares.map((it) => (it * 100).toFixed(1)).join(', ')} % of a core\n`,
      );
      for (const share of shares) expect(share).toBeLessThan(SHARE_MAX);
    },
  );
});

/** User and system time of a process. */
const cpuSeconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};
