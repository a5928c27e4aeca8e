/** Disks of brokers that are processes: a rotten bit in the log of one that was killed, and what was moved off one that was away. */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Admin } from '@odradek/client';
import { describe, expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { Ledger, expectSameBytes } from '../support/ledger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const TOPIC = 'ledger';
const LOG = join(`${TOPIC}-0`, '00000000000000000000.log');

const turnBit = (file: string, position: number): void => {
  const handle = openSync(file, 'r+');
  const byte = new Uint8Array(1);
  readSync(handle, byte, 0, 1, position);
  byte[0]! ^= 0x10;
  writeSync(handle, byte, 0, 1, position);
  closeSync(handle);
};

describe('a broker of three', () => {
  it(
    'whose log has a rotten bit is given it anew by the others, under load; the damaged one is kept',
    { timeout: 120_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using brokers = await ClusterProcesses.start({
        folder: folder.path,
        config: { 'min.insync.replicas': '2' },
      });
      const cluster = brokers.connect({ retry: { timeoutMs: 60_000 } });
      const admin = new Admin(cluster);
      await admin.createTopic({ name: TOPIC, partitions: 1, replicationFactor: 3 });
      await brokers.whenInSync(admin, TOPIC);
      await using ledger = new Ledger(cluster, TOPIC, 1);
      await ledger.progress(200);
      const leader = (await admin.describeTopic(TOPIC)).partitions[0]!.leaderId;
      await brokers.kill(leader);
      const own = brokers.folderOf(leader);
      const before = readFileSync(join(own, LOG));
      turnBit(join(own, LOG), Math.floor(before.length / 2));
      await ledger.progress(50);
      await brokers.start(leader);
      await ledger.progress(50);
      await brokers.whenInSync(admin, TOPIC);
      const aside = readdirSync(own).filter((it) => it.endsWith('-stray'));
      expect(aside).toHaveLength(1);
      const kept = readFileSync(join(own, aside[0]!, '00000000000000000000.log'));
      expect(kept.length).toBe(before.length);
      expect(kept.equals(before)).toBe(false);
      expect(readFileSync(join(own, aside[0]!, 'why.txt'), 'utf8')).toContain('is damaged at byte');
      await ledger.stop();
      await ledger.check(cluster);
      await brokers.whenInSync(admin, TOPIC);
      const folders = brokers.nodeIds.map((it) => brokers.folderOf(it));
      await expectSameBytes(folders, TOPIC, 1);
      await cluster.close();
    },
  );

  it(
    'that was away when a partition was moved off it removes its files at its return',
    { timeout: 120_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using brokers = await ClusterProcesses.start({ folder: folder.path });
      const cluster = brokers.connect({ retry: { timeoutMs: 60_000 } });
      const admin = new Admin(cluster);
      await admin.createTopic({ name: TOPIC, partitions: 2, replicationFactor: 3 });
      await brokers.whenInSync(admin, TOPIC);
      // In sync from the start, its replica may not have its files yet.
      const gone = join(brokers.folderOf(3), `${TOPIC}-0`);
      await until(() => existsSync(gone) && existsSync(join(brokers.folderOf(3), `${TOPIC}-1`)));
      await brokers.kill(3);
      await admin.alterReassignments([{ topic: TOPIC, partition: 0, replicas: [1, 2] }]);
      await until(async () => {
        const { partitions } = await admin.describeTopic(TOPIC);
        return partitions[0]!.replicaNodes.length === 2;
      }, 30_000);
      expect(existsSync(gone)).toBe(true);
      await brokers.start(3);
      await until(() => !existsSync(gone) || readdirSync(gone).length === 0, 30_000);
      expect(existsSync(join(brokers.folderOf(3), `${TOPIC}-1`))).toBe(true);
      await brokers.whenInSync(admin, TOPIC);
      await cluster.close();
    },
  );
});
