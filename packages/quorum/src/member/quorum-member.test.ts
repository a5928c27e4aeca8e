import { describe, expect, it } from 'vitest';
import { createMemoryVolume } from '@odradek/storage/memory';
import { seededRandom } from '@odradek/ports/testing';
import { startLoneMember } from '../testing/ensemble.ts';

describe('x', () => {
  it('leads', async () => {
    const volume = createMemoryVolume({ random: seededRandom(1) });
    const { member, log, clock } = await startLoneMember(volume);
    expect(member.snapshot).toMatchObject({ role: 'leader', epoch: 1 });
    expect(clock.pendingTimers).toBe(0);
    const start = performance.now();
    const flushes = log.flushCount;
    const answers = await Promise.all(Array.from({ length: 5000 }, (_, i) => member.propose([{ op: 'create', path: `/n${i}` }])));
    console.log(performance.now() - start, log.flushCount - flushes, answers[4999]);
  });
});
