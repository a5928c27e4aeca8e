import { utf8Encode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { SimulatedEnsemble, type EnsembleOptions } from '../testing/simulated-ensemble.ts';

const begun = async (options: Partial<EnsembleOptions> = {}): Promise<SimulatedEnsemble> => {
  const ensemble = new SimulatedEnsemble({ seed: 1, voters: 3, ...options });
  ensemble.startAll();
  expect(await ensemble.runUntil(() => isSettled(ensemble), 10_000)).toBe(true);
  return ensemble;
};

const isSettled = (ensemble: SimulatedEnsemble): boolean => {
  const leader = ensemble.leader?.member?.snapshot;
  return (
    leader !== undefined &&
    ensemble.members.every((it) => it.member?.snapshot.leaderId === leader.leaderId)
  );
};

describe('three voters on empty disks', () => {
  it('find each other and a leader', async () => {
    const ensemble = await begun();
    const { leader } = ensemble;
    const answer = leader!.member!.propose([{ op: 'create', path: '/a', value: utf8Encode('1') }]);
    let got: unknown;
    void answer.then((it) => (got = it));
    await ensemble.run(500);
    expect(got).toMatchObject({ status: 'committed' });
    for (const it of ensemble.members) expect(it.member!.tree.has('/a')).toBe(true);
  });
});
