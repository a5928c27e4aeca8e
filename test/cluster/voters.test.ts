/** Who votes is changed by command while the cluster is in use: two brokers become voters, an old voter is taken out, and is not missed. */
import { fileURLToPath } from 'node:url';
import { Admin } from '@odradek/client';
import { expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { Ledger } from '../support/ledger.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

/** A controlled shutdown would be waited for twice as long. */
const STOP_MS_MAX = 5_000;
const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url));

it(
  'voters are added and removed by command, and the cluster goes on',
  { timeout: 150_000 },
  async () => {
    await using folder = await temporaryFolder();
    await using brokers = await ClusterProcesses.start({ folder: folder.path });
    const cluster = brokers.connect({ retry: { timeoutMs: 60_000 } });
    const admin = new Admin(cluster);
    await admin.createTopic({ name: 'ledger', partitions: 3, replicationFactor: 3 });
    await brokers.whenInSync(admin, 'ledger');
    await using ledger = new Ledger(cluster, 'ledger', 3, { pauseMs: 20 });
    const change = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await run(process.execPath, [COMMAND, 'cluster', ...args], {
        env: {
          ...process.env,
          ODRADEK_BROKERS: brokers.bootstrap.map((it) => `${it.host}:${it.port}`).join(),
          XDG_CONFIG_HOME: folder.path,
        },
      });
      return { code, out: stdout.toString(), err: stderr };
    };
    const voters = async (): Promise<readonly number[]> =>
      ((await admin.describeQuorum())?.members ?? [])
        .filter((it) => it.role !== 'observer')
        .map((it) => it.nodeId);

    expect(await change('add-controller', '9')).toMatchObject({
      code: 2,
      err: expect.stringContaining('the quorum knows no node 9'),
    });
    await brokers.add(4);
    await brokers.add(5);
    await until(async () => (await admin.describeQuorum())?.members.length === 5);
    expect(await change('add-controller', '4')).toMatchObject({
      code: 0,
      err: '4 voters: 1, 2, 3, 4\n',
    });
    expect(await change('add-controller', '5', '--json')).toMatchObject({
      code: 0,
      out: `${JSON.stringify({ voters: [1, 2, 3, 4, 5] })}\n`,
    });
    expect(await change('add-controller', '5')).toMatchObject({ code: 2 });
    await ledger.progress(5);

    // The configuration of all of them names it still: it follows, and does not come back by itself.
    const removed = (await admin.describeQuorum())!.leaderId === 2 ? 3 : 2;
    expect(await change('remove-controller', String(removed))).toMatchObject({ code: 0 });
    const left = [1, 2, 3, 4, 5].filter((it) => it !== removed);
    expect(await voters()).toEqual(left);
    await ledger.progress(20);
    expect(await voters()).toEqual(left);

    // Two of the five are down: a majority of the first three would be gone.
    const gone =
      (await admin.describeQuorum())!.leaderId === 1 ? 1 : (await admin.describeQuorum())!.leaderId;
    await brokers.kill(removed);
    await brokers.kill(gone);
    await until(async () => {
      const leader = (await admin.describeQuorum().catch(() => undefined))?.leaderId;
      return leader !== undefined && leader !== gone && left.includes(leader);
    }, 30_000);
    await admin.createTopic({ name: 'later', partitions: 1, replicationFactor: 3 });
    await brokers.start(removed);
    await brokers.start(gone);
    await brokers.whenInSync(admin, 'ledger');
    await ledger.stop();
    // All of it was down. Three of the four voters come back, two of which no configuration names.
    await brokers.killAll();
    await Promise.all(left.slice(1).map((it) => brokers.start(it)));
    await until(async () => left.includes((await admin.describeQuorum())?.leaderId ?? 0), 30_000);
    await Promise.all([brokers.start(1), brokers.start(removed)]);
    await brokers.whenInSync(admin, 'ledger');
    await ledger.check(cluster);
    expect(await voters()).toEqual(left);
    cluster.close();
  },
);

it(
  'the last voter stops without waiting for a majority that cannot be had',
  { timeout: 60_000 },
  async () => {
    await using folder = await temporaryFolder();
    await using brokers = await ClusterProcesses.start({ folder: folder.path });
    await Promise.all([brokers.kill(1), brokers.kill(2)]);
    const fromMs = performance.now();
    await brokers.kill(3, 'SIGTERM');
    expect(await brokers.broker(3).exited).toMatchObject({ code: 0 });
    expect(performance.now() - fromMs).toBeLessThan(STOP_MS_MAX);
  },
);
