/**
 * What several clients read and wrote over the wire, each at whatever broker it came to, while the quorum's leader was killed: such a
 * history could have come from a single copy of the tree. The judge is the quorum's own (linearizability.ts), and it finds a read
 * that was planted.
 */
import { Bus } from '@odradek/client';
import { utf8Decode } from '@odradek/protocol';
import { anomalyIn, type Observation } from '@odradek/quorum/testing';
import { seeded } from '@odradek/protocol/testing';
import { describe, expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { quorumLeader } from './quorum-leader.ts';

const CLIENTS = 5;
const KEYS = ['/history/a', '/history/b', '/history/c'];
const LEADER_KILLS = Number(process.env['COORDINATION_KILLS'] ?? 2);
/** Operations that are answered between one kill and the next. */
const OPERATIONS = 100;
const seed = Number(process.env['COORDINATION_SEED'] ?? Date.now() % 1_000_000);

describe(`the tree of a cluster (seed ${seed})`, () => {
  it(
    'is linearizable for clients of all brokers while leaders are killed',
    { timeout: 240_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using brokers = await ClusterProcesses.start({ folder: folder.path });
      const chance = seeded(seed);
      const buses = brokersOf(brokers);
      const history: Observation[] = [];
      let values = 0;
      let answered = 0;
      let isOver = false;
      const now = (): number => performance.now();
      const trees = await Promise.all(buses.map((bus) => bus.coordination()));
      await trees[0]!.create('/history');

      const write = async (tree: (typeof trees)[number], path: string): Promise<void> => {
        const value = `v${(values += 1)}`;
        const isThere = await tree.exists(path, { fresh: true });
        const index = history.length;
        const base = { kind: 'write', path, value, began: now() } as const;
        history.push({ ...base, ended: undefined, offset: undefined });
        const { offset } = await tree.multi([
          isThere ? { op: 'set', path, value } : { op: 'create', path, value },
        ]);
        history[index] = { ...base, ended: now(), offset };
      };
      const read = async (tree: (typeof trees)[number], path: string): Promise<void> => {
        const began = now();
        const { offset, nodes } = await tree.getAll([path], { fresh: true });
        const node = nodes.get(path);
        history.push({
          kind: 'read',
          path,
          value: node && utf8Decode(node.value),
          modifiedAt: node?.modifiedAt ?? -1,
          began,
          ended: now(),
          upTo: offset,
        });
      };
      const operating = trees.map(async (tree) => {
        while (!isOver) {
          const path = chance.pick(KEYS);
          // Refused, or not known to be done: it stays a write of which nobody knows.
          await (chance.oneIn(2) ? write : read)(tree, path).then(
            () => (answered += 1),
            () => {},
          );
        }
      });
      const goesOn = async (): Promise<void> => {
        const goal = answered + OPERATIONS;
        await until(() => answered >= goal, 60_000);
      };
      const cluster = brokers.connect();
      await goesOn();
      for (let kill = 0; kill < LEADER_KILLS; kill++) {
        const leader = await quorumLeader(cluster);
        await brokers.kill(leader);
        await goesOn();
        await brokers.start(leader);
        await goesOn();
      }
      isOver = true;
      await Promise.all(operating);
      cluster.close();
      await Promise.all(buses.map((bus) => bus.close()));

      expect(anomalyIn(history)).toBeUndefined();
      const unknown = history.filter((it) => it.kind === 'write' && it.offset === undefined);
      process.stdout.write(
        `${history.length} operations of ${CLIENTS} clients, ${LEADER_KILLS} leaders killed, ${unknown.length} writes of which nobody knows: linearizable\n`,
      );
      expect(anomalyIn([...history, staleReadIn(history)])).toMatch(/after|passed over/);
    },
  );
});

const brokersOf = (brokers: ClusterProcesses): readonly Bus[] =>
  Array.from(
    { length: CLIENTS },
    () => new Bus(brokers.connect({ retry: { timeoutMs: 60_000 }, requestTimeoutMs: 5_000 })),
  );

/** At the very end somebody sees once more what was overwritten long ago. */
function staleReadIn(history: readonly Observation[]): Observation {
  const old = history.find((it) => it.kind === 'read' && it.value !== undefined);
  if (old?.kind !== 'read') throw new Error('nothing was ever read');
  const end = Math.max(...history.map((it) => it.ended ?? it.began));
  return { ...old, began: end + 1, ended: end + 2 };
}
