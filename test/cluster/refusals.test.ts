/** Whoever does not belong to the cluster is refused by name; nothing is harmed, and the others go on. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Admin } from '@odradek/client';
import { ErrorCode, ZERO_UUID } from '@odradek/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BrokerDidNotStart, BrokerProcess } from '../support/broker-process.ts';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { Ledger } from '../support/ledger.ts';
import { rawSocket } from '../support/raw-socket.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { api } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';

let folder: TemporaryFolder;
let brokers: ClusterProcesses;
let ledger: Ledger;
let admin: Admin;

beforeAll(async () => {
  folder = await temporaryFolder();
  brokers = await ClusterProcesses.start({ folder: folder.path });
  const cluster = brokers.connect({ retry: { timeoutMs: 60_000 } });
  admin = new Admin(cluster);
  await admin.createTopic({ name: 'ledger', partitions: 3, replicationFactor: 3 });
  await brokers.whenInSync(admin, 'ledger');
  ledger = new Ledger(cluster, 'ledger', 3, { pauseMs: 20 });
}, 60_000);

afterAll(async () => {
  // Whatever has come by: the three are who they were, and what they keep is whole.
  await ledger.stop();
  await ledger[Symbol.asyncDispose]();
  await brokers.whenInSync(admin, 'ledger');
  const cluster = brokers.connect();
  await ledger.check(cluster);
  const { brokers: known } = await new Admin(cluster).describeCluster();
  expect(known.map((it) => it.nodeId).sort()).toEqual([1, 2, 3]);
  for (const id of brokers.nodeIds) {
    expect(brokers.broker(id).hasExited).toBe(false);
    expect(brokers.broker(id).log.filter((it) => it.level === 'error')).toEqual([]);
  }
  cluster.close();
  await brokers[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
}, 60_000);

/** What a broker that ends before it is up says of the reason. */
const whyNotUp = async (broker: BrokerProcess): Promise<string> => {
  await using ending = broker;
  return await ending.up().then(
    () => 'it is up',
    (error: unknown) => {
      if (error instanceof BrokerDidNotStart) return error.stderr;
      throw error;
    },
  );
};

describe('a process that does not belong', () => {
  it('has the number of a broker that is up', { timeout: 90_000 }, async () => {
    const { host, port } = brokers.broker(2).kafka;
    const fences = () =>
      brokers.broker(2).log.filter((it) => it.msg === 'is fenced by the controller');
    const before = fences().length;
    const said = await whyNotUp(
      BrokerProcess.spawn({
        dataDirectory: join(folder.path, 'second'),
        flags: ['--node-id', '2'],
        config: {
          'controller.quorum.voters': brokers.voters,
          'broker.session.timeout.ms': '2000',
        },
      }),
    );
    expect(said).toContain('there are two brokers 2');
    expect(said).toContain(`${host}:${port}`);
    expect(said).toContain('DUPLICATE_BROKER_REGISTRATION');
    await ledger.progress(5);
    expect(fences()).toHaveLength(before);
  });

  it('brings the data folder of another cluster', { timeout: 90_000 }, async () => {
    const place = join(folder.path, 'alone');
    await using alone = await BrokerProcess.start({
      dataDirectory: place,
      flags: ['--node-id', '7'],
    });
    await alone.kill('SIGTERM');
    const said = await whyNotUp(
      BrokerProcess.spawn({
        dataDirectory: place,
        flags: ['--node-id', '7'],
        config: { 'process.roles': 'broker', 'controller.quorum.voters': brokers.voters },
      }),
    );
    expect(said).toContain('belongs to cluster');
    await ledger.progress(5);
  });

  it('brings the data folder of another broker', { timeout: 90_000 }, async () => {
    const place = join(folder.path, 'copied');
    cpSync(brokers.folderOf(1), place, { recursive: true });
    rmSync(join(place, 'odradek.pid'));
    const said = await whyNotUp(
      BrokerProcess.spawn({
        dataDirectory: place,
        flags: ['--node-id', '8'],
        config: { 'process.roles': 'broker', 'controller.quorum.voters': brokers.voters },
      }),
    );
    expect(said).toMatch(/node\.id|belongs to (node|broker) 1/);
    await ledger.progress(5);
  });

  it('names an even number of voters', async () => {
    const said = await whyNotUp(
      BrokerProcess.spawn({
        dataDirectory: join(folder.path, 'even'),
        flags: ['--node-id', '1'],
        config: { 'controller.quorum.voters': '1@127.0.0.1:9,2@127.0.0.1:19' },
      }),
    );
    expect(said).toContain('2 voters bear no more failures than 1');
  });

  it('is a client that says it were a replica', async () => {
    const { partitions, topicId } = await admin.describeTopic('ledger');
    const { leaderId } = partitions[0]!;
    const replicaId = brokers.nodeIds.find((it) => it !== leaderId)!;
    const pretender = await WireClient.connect(brokers.broker(leaderId).kafka);
    for (const version of [11, 12, 17, 18]) {
      const answer = await pretender.request(api.fetch, version, {
        replicaId,
        replicaState: { replicaId, replicaEpoch: 1 },
        maxWaitMs: 100,
        minBytes: 1,
        topics: [
          {
            topic: version < 13 ? 'ledger' : '',
            topicId: version < 13 ? ZERO_UUID : topicId,
            partitions: [{ partition: 0, fetchOffset: 1_000_000, partitionMaxBytes: 1_000 }],
          },
        ],
      });
      const told = [
        answer.errorCode,
        ...answer.responses.flatMap((it) => it.partitions.map((p) => p.errorCode)),
      ];
      expect(told).toContain(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    }
    pretender.close();
    await ledger.progress(5);
  });

  it('is a page at /peer', async () => {
    const { port } = new URL(brokers.broker(1).http);
    const page = new WebSocket(`ws://127.0.0.1:${port}/peer`, { origin: 'http://evil.example' });
    const refused = await new Promise<string>((resolve) => {
      page.on('open', () => resolve('it is let in'));
      page.on('error', (error) => resolve(error.message));
    });
    expect(refused).toContain('403');
    await until(() => brokers.broker(1).stderr.includes('evil.example'));
  });

  it('talks garbage at /peer', async () => {
    const { port } = new URL(brokers.broker(1).http);
    const garbage = [
      new Uint8Array(0),
      Uint8Array.of(0, 0, 0, 0),
      Uint8Array.of(255, 255, 255, 255, 1, 2, 3),
      Uint8Array.of(0, 0, 0, 1, 1),
      new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'),
      crypto.getRandomValues(new Uint8Array(20_000)),
      helloOf({ nodeId: -1, clusterId: null, incarnation: 'x', version: 1 }),
      helloOf({ nodeId: 2, clusterId: 'other', incarnation: 'a'.repeat(32), version: 1 }),
    ];
    const closed = garbage.slice(1).map(async (bytes) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/peer`);
      await new Promise((resolve) => socket.on('open', resolve));
      const gone = new Promise((resolve) => socket.on('close', resolve));
      socket.send(bytes);
      await gone;
    });
    await Promise.all(closed);
    const raw = await rawSocket({ host: '127.0.0.1', port: Number(port) });
    raw.send('GET /peer HTTP/1.1\r\nUpgrade: websocket\r\n\r\n');
    await raw.closed;
    const refusals = brokers.broker(1).log.filter((it) => it.msg.includes('a peer was refused'));
    expect(refusals.length).toBeGreaterThanOrEqual(garbage.length - 1);
    await ledger.progress(5);
  });
});

/** A peer's first frame. */
const helloOf = (hello: object): Uint8Array => {
  const json = new TextEncoder().encode(JSON.stringify(hello));
  const bytes = new Uint8Array(5 + json.length);
  new DataView(bytes.buffer).setInt32(0, json.length + 1);
  bytes.set(json, 5);
  return bytes;
};
