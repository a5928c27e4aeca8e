/** SIGTERM in the middle of a load: what is owed is answered, everything is closed in order, and the next start believes it. */
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { api } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';
import { HASTY, Load } from './loaded-broker.ts';

const STOPS = 5;
const CLEAN_STOP = '.kafka_cleanshutdown';
const SCANNED = 'the log was scanned after an unclean stop';

const seed = Number(process.env['ODRADEK_CRASH_SEED'] ?? Date.now() % 1_000_000);

describe(`SIGTERM (seed ${seed})`, () => {
  it('under load leaves nothing to repair, and nothing that was acknowledged is lost', async () => {
    await using folder = await temporaryFolder();
    const options = { dataDirectory: folder.path, port: await freePort(), config: HASTY };
    const load = new Load(seed);
    let broker = await BrokerProcess.start(options);
    await load.createTopics(broker);
    for (let stop = 1; stop <= STOPS; stop++) {
      await load.begin(broker);
      await new Promise((resolve) => setTimeout(resolve, 100 + load.chance.below(200)));
      const epochs = await leaderEpochs(broker);
      expect(await exists(join(folder.path, CLEAN_STOP))).toBe(false);
      expect(await broker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      await load.stop();
      expect(await exists(join(folder.path, CLEAN_STOP))).toBe(true);
      broker = await BrokerProcess.start(options);
      expect(broker.log.map((it) => it.msg)).not.toContain(SCANNED);
      const epochsAfter = await leaderEpochs(broker);
      for (const [partition, epoch] of epochs) {
        // The load went on deleting topics after the epochs were read.
        if (load.admin.wasDeletionAsked(partition.slice(0, partition.lastIndexOf('-')))) continue;
        expect([partition, epochsAfter.get(partition)]).toEqual([partition, epoch]);
      }
      await broker.telling(() => load.check(broker));
    }
    await load.finish(broker);
    await load.check(broker);
    expect(await broker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    // The lock and drafts are gone too.
    expect(
      (await readdir(folder.path)).filter((name) => name.startsWith('~') || name === 'odradek.pid'),
    ).toEqual([]);
  });

  it('while it starts harms nothing', async () => {
    await using folder = await temporaryFolder();
    const options = { dataDirectory: folder.path, port: await freePort(), config: HASTY };
    const load = new Load(seed);
    let broker = await BrokerProcess.start(options);
    await load.createTopics(broker);
    await load.begin(broker);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await broker.kill('SIGKILL');
    await load.stop();
    for (let delayMs = 60; delayMs <= 400; delayMs += 85) {
      await using early = BrokerProcess.spawn(options);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await early.kill('SIGTERM');
    }
    broker = await BrokerProcess.start(options);
    await broker.telling(() => load.check(broker));
    await load.finish(broker);
    await load.check(broker);
    await broker.kill('SIGTERM');
  });

  it('twice ends at once, and nothing that was acknowledged is lost', async () => {
    await using folder = await temporaryFolder();
    const options = { dataDirectory: folder.path, port: await freePort(), config: HASTY };
    const load = new Load(seed);
    let broker = await BrokerProcess.start(options);
    await load.createTopics(broker);
    await load.begin(broker);
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.kill(broker.pid, 'SIGTERM');
    await broker.kill('SIGTERM');
    await load.stop();
    broker = await BrokerProcess.start(options);
    await broker.telling(() => load.check(broker));
    await load.finish(broker);
    await load.check(broker);
    await broker.kill('SIGTERM');
  });
});

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const leaderEpochs = async (broker: BrokerProcess): Promise<ReadonlyMap<string, number>> => {
  const client = await WireClient.connect(broker.kafka);
  const { topics } = await client.request(api.metadata, 12, {
    topics: null,
    allowAutoTopicCreation: false,
  });
  client.close();
  return new Map(
    topics.flatMap((topic) =>
      topic.partitions.map((it) => [`${topic.name}-${it.partitionIndex}`, it.leaderEpoch] as const),
    ),
  );
};
