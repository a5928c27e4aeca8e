/** Controllers that are no brokers, and brokers that have no vote: three of the former lead two of the latter. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Admin } from '@odradek/client';
import { Coordination } from '@odradek/client/coordination';
import { ApiKey, describeClusterRequest, describeClusterResponse } from '@odradek/protocol';
import { expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { Ledger } from '../support/ledger.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { api } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url));
const CONTROLLERS = [1, 2, 3];
const BROKERS = [4, 5];

it('three controllers and two brokers are a cluster', { timeout: 150_000 }, async () => {
  await using folder = await temporaryFolder();
  await using nodes = await ClusterProcesses.start({
    folder: folder.path,
    own: () => ({ 'process.roles': 'controller' }),
  });
  for (const it of BROKERS) await nodes.add(it);
  const bootstrap = BROKERS.map((it) => nodes.broker(it).kafka);
  const cluster = nodes.connect({ bootstrap, retry: { timeoutMs: 60_000 } });
  const admin = new Admin(cluster);

  // Only brokers are told to clients, and only they hold partitions.
  const known = async () => (await admin.describeCluster()).brokers.map((it) => it.nodeId).sort();
  await until(async () => (await known()).length === BROKERS.length);
  expect(await known()).toEqual(BROKERS);
  await admin.createTopic({ name: 'ledger', partitions: 4, replicationFactor: 2 });
  await nodes.whenInSync(admin, 'ledger');
  // The tree is the controllers', and any broker leads there.
  await using tree = new Coordination(cluster, { sessionTimeoutMs: 20_000 });
  const lock = await tree.lock('/lock');
  await using ledger = new Ledger(cluster, 'ledger', 4, { pauseMs: 20 });
  await ledger.progress(5);
  const leader = (await admin.describeQuorum())!.leaderId;
  expect(CONTROLLERS).toContain(leader);
  for (const it of CONTROLLERS)
    expect(readdirSync(nodes.folderOf(it)).filter((name) => name.startsWith('ledger'))).toEqual([]);
  const { stdout } = await run(process.execPath, [
    ...[COMMAND, 'cluster', '--json', '-b', bootstrap.map((it) => `${it.host}:${it.port}`).join()],
  ]);
  expect(JSON.parse(stdout.toString())).toMatchObject({
    controllerId: leader,
    brokers: [...CONTROLLERS, ...BROKERS].map((nodeId) => ({
      nodeId,
      isAway: false,
      isVoterOnly: CONTROLLERS.includes(nodeId),
    })),
  });

  // Whoever asks a controller gets the cluster's administration, and nothing that is a broker's.
  const asker = await WireClient.connect(nodes.broker(1).kafka);
  const { apiKeys } = await asker.request(api.apiVersions, 4, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1',
  });
  const keys = apiKeys.map((it) => it.apiKey);
  expect(keys).toContain(ApiKey.DescribeQuorum);
  expect(keys).not.toContain(ApiKey.Produce);
  expect(keys).not.toContain(ApiKey.Metadata);
  const controllers = await asker.request(
    { request: describeClusterRequest, response: describeClusterResponse },
    2,
    { includeClusterAuthorizedOperations: false, endpointType: 2, includeFencedBrokers: false },
  );
  expect(controllers).toMatchObject({
    controllerId: 1,
    brokers: [{ brokerId: 1, ...nodes.broker(1).kafka }],
  });
  asker.close();

  // The leading controller dies, and then a broker: others take over.
  await nodes.kill(leader);
  await until(async () => {
    const next = (await admin.describeQuorum().catch(() => undefined))?.leaderId;
    return next !== undefined && next !== leader && CONTROLLERS.includes(next);
  }, 30_000);
  await admin.createTopic({ name: 'later', partitions: 1, replicationFactor: 2 });
  expect(await tree.children('/lock', { fresh: true })).toHaveLength(1);
  expect(lock.isHeld).toBe(true);
  await nodes.kill(5);
  await ledger.progress(20);
  await nodes.start(leader);
  await nodes.start(5);
  await nodes.whenInSync(admin, 'ledger');
  await ledger.stop();
  await ledger.check(cluster);
  await tree.close();
  cluster.close();
  for (const it of [...BROKERS, ...CONTROLLERS]) {
    await nodes.kill(it, 'SIGTERM');
    expect(await nodes.broker(it).exited).toMatchObject({ code: 0 });
  }
});
