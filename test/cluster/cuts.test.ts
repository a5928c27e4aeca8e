/**
 * The network between the members is cut, and none of them is told. A leader that reaches its client but not its followers
 * acknowledges nothing that it will lose; the others go on without it; after the cut all replicas are the same to the byte.
 */
import { Admin } from '@odradek/client';
import { describe, expect, it } from 'vitest';
import { batchOf } from '../support/batches.ts';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { Ledger, expectSameBytes } from '../support/ledger.ts';
import { LinksBetween } from '../support/links-between.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { api } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';

const CUTS = 3;

describe('a member that is cut off from the others', () => {
  it(
    'acknowledges nothing that it will lose, and is like the others when the cut heals',
    { timeout: 300_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using links = new LinksBetween();
      await using brokers = await ClusterProcesses.start({
        folder: folder.path,
        links,
        config: { 'min.insync.replicas': '2', 'broker.session.timeout.ms': '6000' },
      });
      const cluster = brokers.connect({
        retry: { timeoutMs: 120_000 },
        requestTimeoutMs: 5_000,
      });
      const admin = new Admin(cluster);
      await admin.createTopic({ name: 'ledger', partitions: 3, replicationFactor: 3 });
      await brokers.whenInSync(admin, 'ledger');
      await using ledger = new Ledger(cluster, 'ledger', 3, { pauseMs: 5 });
      await ledger.progress(20);
      for (let cut = 0; cut < CUTS; cut++) {
        const partition = cut % 3;
        const leader = (await admin.describeTopic('ledger')).partitions[partition]!.leaderId;
        const own = brokers.broker(leader).kafka;
        links.cutOff(leader);
        // A client that only sees the one that is cut off.
        const direct = await WireClient.connect(own);
        const produce = direct.request(api.produce, 9, {
          acks: -1,
          timeoutMs: 2_000,
          topicData: [
            {
              name: 'ledger',
              partitionData: [{ index: partition, records: batchOf('lost') }],
            },
          ],
        });
        // The others elect, and the client goes on with them.
        await ledger.progress(20);
        const answer = await produce;
        expect(answer.responses[0]!.partitionResponses[0]!.errorCode).not.toBe(0);
        direct.close();
        const elsewhere = brokers.nodeIds.filter((it) => it !== leader);
        const others = brokers.connect({
          bootstrap: elsewhere.map((it) => brokers.broker(it).kafka),
        });
        const seen = await new Admin(others).describeTopic('ledger');
        expect(seen.partitions.map((it) => it.leaderId)).not.toContain(leader);
        others.close();
        links.healAll();
        await brokers.whenInSync(admin, 'ledger');
        await ledger.progress(20);
      }
      await ledger.stop();
      await brokers.whenInSync(admin, 'ledger');
      const reader = brokers.connect();
      await ledger.check(reader);
      reader.close();
      await expectSameBytes(
        brokers.nodeIds.map((it) => brokers.folderOf(it)),
        'ledger',
        3,
      );
      await until(async () => {
        const { partitions } = await admin.describeTopic('ledger');
        return partitions.every((it) => it.isrNodes.length === 3);
      });
      cluster.close();
    },
  );
});
