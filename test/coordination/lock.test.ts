/**
 * Processes that want one lock of a cluster whose quorum's leader is killed and whose holders are stopped in their tracks for longer
 * than their sessions last: no two of them ever hold it at once by their own clocks, and what a sleeper still writes when it wakes
 * is told by its fence.
 */
import { describe, expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { bundleContender, Contender, type Told } from './contenders.ts';
import { quorumLeader } from './quorum-leader.ts';

const CONTENDERS = 3;
const SESSION_TIMEOUT_MS = 3_000;
const LEADER_KILLS = Number(process.env['COORDINATION_KILLS'] ?? 2);
const FREEZES = Number(process.env['COORDINATION_FREEZES'] ?? 2);

const byTime = (a: Told, b: Told): number => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);

const together = (all: readonly Contender[]) => ({
  all,
  async [Symbol.asyncDispose]() {
    await Promise.all(all.map((it) => it[Symbol.asyncDispose]()));
  },
});

describe('a lock of a cluster', () => {
  it(
    'is never held by two processes, whoever is killed or sleeps',
    { timeout: 240_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using brokers = await ClusterProcesses.start({ folder: folder.path });
      const program = await bundleContender(folder.path);
      const bootstrap = brokers.bootstrap.map(({ host, port }) => `${host}:${port}`).join();
      const start = (name: string): Contender =>
        new Contender(program, name, [bootstrap, '/locks/one', name, `${SESSION_TIMEOUT_MS}`]);
      await using group = together(
        Array.from({ length: CONTENDERS }, (_, index) => start(`c${index}`)),
      );
      const contenders = group.all;
      const cluster = brokers.connect({ retry: { timeoutMs: 60_000 } });
      const turns = (): number => contenders.reduce((sum, it) => sum + it.fences.length, 0);
      const goesOn = async (more: number): Promise<void> => {
        const before = turns();
        await until(() => turns() >= before + more, 60_000);
      };
      await goesOn(2 * CONTENDERS);

      for (let kill = 0; kill < LEADER_KILLS; kill++) {
        const leader = await quorumLeader(cluster);
        await brokers.kill(leader);
        await goesOn(CONTENDERS);
        await brokers.start(leader);
      }
      let sleepersWrites = 0;
      // Some are stopped just as they give the lock back, and have nothing left to write.
      for (let freeze = 0; freeze < FREEZES || (sleepersWrites === 0 && freeze < 10); freeze++) {
        await until(() => contenders.some((it) => it.holds !== undefined), 30_000);
        const sleeper = contenders.find((it) => it.holds !== undefined)!;
        sleeper.freeze();
        // It may have given the lock back in the last moment: then the others go on at once, and it tells us so later.
        const fence = sleeper.holds ?? 0;
        const others = contenders.filter((it) => it !== sleeper);
        await until(() => others.some((it) => (it.fences.at(-1) ?? 0) > fence), 60_000);
        await new Promise((resolve) => setTimeout(resolve, SESSION_TIMEOUT_MS));
        const thawedAt = process.hrtime.bigint();
        sleeper.thaw();
        await until(
          () => sleeper.told.at(-1)!.at > thawedAt || sleeper.told.at(-1)!.fact === 'lost',
        );
        sleepersWrites += sleeper.told.filter(
          (it) => it.fact === 'wrote' && it.at > thawedAt && it.fence === fence,
        ).length;
        await goesOn(CONTENDERS);
      }
      await Promise.all(contenders.map((it) => it.stop()));
      cluster.close();

      const told = contenders.flatMap((it) => it.told);
      const held = told.filter((it) => it.fact === 'held').sort(byTime);
      expect(held.length).toBeGreaterThan(100);
      const overlaps = held.filter((it, index) => index > 0 && it.fence < held[index - 1]!.fence);
      expect(overlaps).toEqual([]);
      // Each turn has a fence of its own.
      const fences = told.filter((it) => it.fact === 'acquired').map((it) => it.fence);
      expect(new Set(fences).size).toBe(fences.length);
      // A resource that remembers the largest fence refuses what comes from one that slept.
      let largest = 0;
      let refused = 0;
      for (const { fence } of told.filter((it) => it.fact === 'wrote').sort(byTime)) {
        if (fence < largest) refused += 1;
        else largest = fence;
      }
      expect(refused).toBeGreaterThanOrEqual(sleepersWrites);
      process.stdout.write(
        `${fences.length} turns of ${CONTENDERS} processes, ${LEADER_KILLS} leaders killed, ${FREEZES} holders asleep: ` +
          `${held.length} times held, never by two; ${refused} late writes told by their fence\n`,
      );
      expect(refused).toBeGreaterThan(0);
    },
  );
});
