/**
 * Reading from the nearest replica (KIP-392): the leader sends a client to the replica in its rack, which gives what it knows to
 * be committed, soon after it is; and a client finds the leader again when that replica dies. Our own client and librdkafka.
 */
import { spawnSync } from 'node:child_process';
import { Admin, Consumer, Producer, type Cluster } from '@odradek/client';
import { ErrorCode, fetchRequest, fetchResponse, utf8Decode } from '@odradek/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { WireClient } from '../support/wire-client.ts';

const FETCH = { request: fetchRequest, response: fetchResponse };
const TOPIC = 'near';
const RECORDS = 2_000;
const VALUE = new Uint8Array(1_000).fill(0x61);
/** What all records weigh, roughly: whoever gave them has sent so much. */
const READ_BYTES = RECORDS * VALUE.length;
const hasKcat = spawnSync('kcat', ['-V']).status === 0;
const rackOf = (nodeId: number): string => `rack-${nodeId}`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let brokers: ClusterProcesses;
let cluster: Cluster;
let admin: Admin;

beforeAll(async () => {
  folder = await temporaryFolder();
  brokers = await ClusterProcesses.start({
    folder: folder.path,
    config: {
      'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'min.insync.replicas': '2',
    },
    own: (nodeId) => ({ 'broker.rack': rackOf(nodeId) }),
  });
  cluster = brokers.connect();
  admin = new Admin(cluster);
  await admin.createTopic({ name: TOPIC, partitions: 1, replicationFactor: 3 });
  await brokers.whenInSync(admin, TOPIC);
  const producer = new Producer(cluster);
  await Promise.all(
    Array.from({ length: RECORDS }, () => producer.send(TOPIC, { value: VALUE, partition: 0 })),
  );
  await producer.close();
});

afterAll(async () => {
  cluster?.close();
  await brokers?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

const places = async (): Promise<{ leader: number; follower: number; other: number }> => {
  const { leaderId } = (await admin.describeTopic(TOPIC)).partitions[0]!;
  const [follower, other] = brokers.nodeIds.filter((it) => it !== leaderId);
  return { leader: leaderId, follower: follower!, other: other! };
};

/** Sent to clients so far. */
const bytesOut = async (nodeId: number): Promise<number> => {
  const text = await (await fetch(`${brokers.broker(nodeId).http}/metrics`)).text();
  return Number(/^kafka_network_bytes_out_total (\d+)/m.exec(text)![1]);
};

const fetchAt = async (
  nodeId: number,
  offset: number,
  { rackId = '', version = 12 }: { rackId?: string; version?: number } = {},
) => {
  const client = await WireClient.connect(brokers.broker(nodeId).kafka);
  const answer = await client.request(FETCH, version, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1_000_000,
    sessionEpoch: -1,
    topics: [
      {
        topic: TOPIC,
        partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1_000_000 }],
      },
    ],
    rackId,
  });
  client.close();
  return answer.responses[0]!.partitions[0]!;
};

describe('a leader', () => {
  it('sends who names a rack to the replica in it, and gives him no records', async () => {
    const { leader, follower } = await places();
    const answer = await fetchAt(leader, 0, { rackId: rackOf(follower) });
    expect(answer.errorCode).toBe(ErrorCode.NONE);
    expect(answer.preferredReadReplica).toBe(follower);
    expect(answer.records?.length ?? 0).toBe(0);
    expect(answer.highWatermark).toBe(RECORDS);
  });

  it('answers by itself who is in its own rack, in none, or in one without a replica', async () => {
    const { leader } = await places();
    for (const rackId of [rackOf(leader), '', 'rack-9']) {
      const answer = await fetchAt(leader, 0, { rackId });
      expect(answer.preferredReadReplica).toBe(-1);
      expect(answer.records!.length).toBeGreaterThan(0);
    }
  });
});

describe('a follower', () => {
  it('gives what is committed, and tells an offset that it does not have', async () => {
    const { follower } = await places();
    const answer = await fetchAt(follower, 0);
    expect(answer.errorCode).toBe(ErrorCode.NONE);
    expect(answer.records!.length).toBeGreaterThan(0);
    expect((await fetchAt(follower, RECORDS)).errorCode).toBe(ErrorCode.NONE);
    expect((await fetchAt(follower, RECORDS + 1)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  });

  it('sends those to the leader who do not know of reading from followers', async () => {
    const { follower } = await places();
    expect((await fetchAt(follower, 0, { version: 10 })).errorCode).toBe(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
    );
  });
});

describe('our client', () => {
  it('reads from the replica in its rack, new records soon, and from the leader when that replica dies', async () => {
    const { leader, follower } = await places();
    const before = { leader: await bytesOut(leader), follower: await bytesOut(follower) };
    const reader = brokers.connect();
    const consumer = new Consumer(reader, { from: 'earliest', rackId: rackOf(follower) });
    await consumer.assign([{ topic: TOPIC, partition: 0 }]);
    const seen: string[] = [];
    const readUntil = async (count: number): Promise<void> => {
      while (seen.length < count) {
        const batch = await consumer.poll(AbortSignal.timeout(30_000));
        for (const { value } of batch!.records) seen.push(utf8Decode(value!));
      }
    };
    await readUntil(RECORDS);
    expect((await bytesOut(follower)) - before.follower).toBeGreaterThan(READ_BYTES);
    expect((await bytesOut(leader)) - before.leader).toBeLessThan(READ_BYTES / 2);
    // That a record is committed is told to followers at once, and not with the next record or after a poll's half second.
    const producer = new Producer(cluster, { lingerMs: 0 });
    const delaysMs: number[] = [];
    for (let n = 0; n < 10; n++) {
      await producer.send(TOPIC, { value: VALUE, partition: 0 });
      const sentAt = performance.now();
      await readUntil(RECORDS + n + 1);
      delaysMs.push(performance.now() - sentAt);
    }
    delaysMs.sort((a, b) => a - b);
    expect(delaysMs[5]).toBeLessThan(250);
    await brokers.kill(follower);
    await producer.send(TOPIC, { value: VALUE, partition: 0 });
    await readUntil(RECORDS + 11);
    expect(seen).toHaveLength(RECORDS + 11);
    await producer.close();
    await consumer.close();
    reader.close();
    await brokers.start(follower);
    await brokers.whenInSync(admin, TOPIC);
  });
});

describe.skipIf(!hasKcat && process.env.CI !== 'true')('kcat', () => {
  it('reads from the replica in its rack', async () => {
    const { leader, follower } = await places();
    const before = { leader: await bytesOut(leader), follower: await bytesOut(follower) };
    const bootstrap = brokers.broker(leader).bootstrap;
    const { code, stdout } = await run('kcat', [
      ...['-b', bootstrap, '-C', '-t', TOPIC, '-e', '-q', '-f', '%s\n'],
      ...['-X', `client.rack=${rackOf(follower)}`],
    ]);
    expect(code).toBe(0);
    expect(stdout.toString().trim().split('\n').length).toBeGreaterThanOrEqual(RECORDS);
    expect((await bytesOut(follower)) - before.follower).toBeGreaterThan(READ_BYTES);
    expect((await bytesOut(leader)) - before.leader).toBeLessThan(READ_BYTES / 2);
  });
});
