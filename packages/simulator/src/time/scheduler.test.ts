import { describe, expect, it } from 'vitest';
import { Trace } from '../trace.ts';
import { EventQueue, type PlannedEvent } from './event-queue.ts';
import { Scheduler } from './scheduler.ts';
import { VirtualClock } from './virtual-clock.ts';
import { Chance } from '../chance.ts';

const world = () => {
  const scheduler = new Scheduler(new Trace());
  const process = scheduler.startProcess('p', 'm');
  return { scheduler, process, clock: new VirtualClock(scheduler, process) };
};

describe('virtual time', () => {
  it('goes from one deadline to the next, and timers set by timers run within the stretch', async () => {
    const { scheduler, clock } = world();
    const seen: string[] = [];
    clock.setTimeout(() => {
      seen.push(`first ${clock.monotonicMs()}`);
      clock.setTimeout(() => seen.push(`chained ${clock.monotonicMs()}`), 100);
    }, 100);
    clock.setTimeout(() => seen.push(`later ${clock.monotonicMs()}`), 150);
    expect(await scheduler.run(1_000)).toBe(false);
    expect(seen).toEqual(['first 100', 'later 150', 'chained 200']);
    expect(scheduler.nowMs).toBe(1_000);
  });

  it('lets promises settle before the next event', async () => {
    const { scheduler, clock } = world();
    const seen: string[] = [];
    const long = async (): Promise<void> => {
      for (let i = 0; i < 25; i += 1) await Promise.resolve();
      seen.push(`settled at ${clock.monotonicMs()}`);
    };
    clock.setTimeout(() => void long(), 10);
    clock.setTimeout(() => seen.push('next event'), 20);
    await scheduler.run(100);
    expect(seen).toEqual(['settled at 10', 'next event']);
  });

  it('takes the order of planning for the order of equals, and forgets what was cancelled', async () => {
    const { scheduler, clock } = world();
    const seen: number[] = [];
    const timers = [0, 1, 2, 3, 4].map((n) => clock.setTimeout(() => seen.push(n), 5));
    clock.clearTimeout(timers[1]!);
    clock.clearTimeout(timers[1]!);
    await scheduler.run(10);
    clock.clearTimeout(timers[3]!);
    expect(seen).toEqual([0, 2, 3, 4]);
  });

  it('keeps a heap in order, whatever is taken out of it', () => {
    const chance = new Chance(7, 'heap');
    const queue = new EventQueue();
    const live = new Set<PlannedEvent>();
    for (let order = 0; order < 5_000; order += 1) {
      const event = {
        atMs: chance.below(500),
        order,
        process: undefined,
        kind: 't',
        run: () => {},
      };
      queue.push(event);
      live.add(event);
      if (!chance.happens(0.6)) continue;
      const [victim] = live;
      queue.cancel(victim!);
      live.delete(victim!);
    }
    expect(queue.size).toBe(live.size);
    const expected = [...live].sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    const popped: PlannedEvent[] = [];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) popped.push(next);
    expect(popped).toEqual(expected);
  });

  it('tells when events make events and time does not go on', async () => {
    const { scheduler } = world();
    const again = (): void => void scheduler.after(0, undefined, 'again', again);
    again();
    await expect(scheduler.run(10)).rejects.toThrow(
      'the world does not come to an end of "again" at 0 ms',
    );
  });

  it('lets no timer come at once, however little is left', async () => {
    const { scheduler, clock } = world();
    let times = 0;
    const rearm = (): void => {
      times += 1;
      clock.setTimeout(rearm, 1e-13);
    };
    rearm();
    await scheduler.run(100);
    expect(times).toBeLessThan(102);
  });

  it('drops what a dead process had planned', async () => {
    const { scheduler, process, clock } = world();
    const seen: string[] = [];
    clock.setTimeout(() => seen.push('ghost'), 50);
    scheduler.after(10, undefined, 'kill', () => process.end());
    await scheduler.run(100);
    clock.clearTimeout(clock.setTimeout(() => seen.push('ghost'), 1));
    await scheduler.run(200);
    expect(seen).toEqual([]);
  });

  it('gives a paused process all that came due, in order, when it goes on', async () => {
    const { scheduler, process, clock } = world();
    const seen: string[] = [];
    for (const ms of [10, 20, 30])
      clock.setTimeout(() => seen.push(`${ms} at ${clock.monotonicMs()}`), ms);
    const cleared = clock.setTimeout(() => seen.push('cleared'), 25);
    scheduler.after(15, undefined, 'pause', () => scheduler.pause(process));
    scheduler.after(100, undefined, 'resume', () => {
      clock.clearTimeout(cleared);
      scheduler.resume(process);
    });
    await scheduler.run(200);
    expect(seen).toEqual(['10 at 10', '20 at 100', '30 at 100']);
  });

  it('lets each machine’s clock err by its own measure', async () => {
    const { scheduler, process } = world();
    const clock = new VirtualClock(scheduler, process, {
      drift: 0.5,
      wallOffsetMs: -1_000,
      monotonicOffsetMs: 42,
    });
    const began = clock.wallTimeMs();
    let firedAtMs = 0;
    clock.setTimeout(() => (firedAtMs = scheduler.nowMs), 150);
    await scheduler.run(200);
    expect(firedAtMs).toBe(100);
    expect(clock.monotonicMs()).toBe(42 + 300);
    expect(clock.wallTimeMs() - began).toBe(300);
  });
});

describe('chance', () => {
  it('is the same from one seed and name, and another from others', () => {
    const draw = (seed: number, name: string): number[] => {
      const chance = new Chance(seed, name);
      return [chance.uint32(), chance.uint32(), chance.below(1_000)];
    };
    expect(draw(1, 'disk')).toEqual(draw(1, 'disk'));
    expect(draw(1, 'disk')).not.toEqual(draw(2, 'disk'));
    expect(draw(1, 'disk')).not.toEqual(draw(1, 'network'));
  });

  it('waits as long as it is told, on the average', () => {
    const chance = new Chance(3, 'waits');
    let sum = 0;
    for (let i = 0; i < 20_000; i += 1) sum += chance.waitAround(100);
    expect(sum / 20_000).toBeGreaterThan(90);
    expect(sum / 20_000).toBeLessThan(110);
  });
});
