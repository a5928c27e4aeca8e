/**
 * kill -9 in the middle of a loaded produce, again and again on the same folder. After every start everything is read and
 * compared with what was acknowledged (ledger.ts says what must hold). A failing run is played again with its seed, as far
 * as time lets it: ODRADEK_CRASH_SEED.
 */
import { describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { HASTY, Load } from './loaded-broker.ts';

const KILLS = 50;
const LOAD_MS_MIN = 20;
const LOAD_MS_MAX = 350;
/** Of the starts, how many are themselves killed before they are through. */
const KILLED_STARTS_ONE_IN = 4;
const START_MS_MIN = 40;
const START_MS_MAX = 350;

const seed = Number(process.env['ODRADEK_CRASH_SEED'] ?? Date.now() % 1_000_000);

describe(`kill -9 (seed ${seed})`, () => {
  it(
    `${KILLS} times under load loses nothing that was acknowledged, and doubles nothing`,
    { timeout: 300_000 },
    async () => {
      await using folder = await temporaryFolder();
      const options = { dataDirectory: folder.path, port: await freePort(), config: HASTY };
      const load = new Load(seed);
      const between = (min: number, max: number): Promise<void> =>
        new Promise((resolve) => setTimeout(resolve, min + load.chance.below(max - min)));
      let broker = await BrokerProcess.start(options);
      await load.createTopics(broker);
      let killedStarts = 0;
      let bytesRead = 0;
      const startedAt = performance.now();
      for (let kill = 1; kill <= KILLS; kill++) {
        const victim = broker;
        await victim.telling(async () => {
          await load.begin(victim);
          await between(LOAD_MS_MIN, LOAD_MS_MAX);
          await victim.kill('SIGKILL');
          await load.stop();
        });
        while (load.chance.oneIn(KILLED_STARTS_ONE_IN)) {
          await using early = BrokerProcess.spawn(options);
          await between(START_MS_MIN, START_MS_MAX);
          await early.kill('SIGKILL');
          killedStarts += 1;
        }
        broker = await BrokerProcess.start(options);
        bytesRead += await broker.telling(() => load.check(broker));
      }
      await broker.telling(() => load.finish(broker));
      bytesRead += await broker.telling(() => load.check(broker));
      expect(await broker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      process.stdout.write(
        `${KILLS} kills under load and ${killedStarts} while starting in ${Math.round((performance.now() - startedAt) / 1000)} s: ` +
          `${load.acknowledgedRecords} records in ${load.acknowledgedBatches} batches acknowledged, ${load.resentRequests} requests sent again, ` +
          `${load.duplicates} batches answered as there already, ${load.admin.acknowledgedCommits} offsets committed, ` +
          `${load.admin.topicsMade} topics made, ${load.producerIds.size} producer ids, ${Math.round(bytesRead / 1e6)} MB read\n`,
      );
      // Or else nothing was shown.
      expect(killedStarts).toBeGreaterThan(KILLS / 20);
      expect(load.acknowledgedBatches).toBeGreaterThan(KILLS * 20);
      expect(load.duplicates).toBeGreaterThan(KILLS / 10);
      expect(load.admin.acknowledgedCommits).toBeGreaterThan(KILLS);
      // Which of the two loses segments between two kills is chance; that one does is not.
      const starts = ['retained', 'trimmed'].map((name) => load.ledger(name).logStartOffset);
      expect(Math.max(...starts)).toBeGreaterThan(0);
      const compacted = load.ledger('compacted');
      expect(compacted.recordsRead).toBeLessThan(compacted.acknowledgedRecords / 2);
    },
  );
});
