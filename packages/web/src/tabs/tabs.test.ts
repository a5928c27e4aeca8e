/** Several workers, one of which leads: whatever happens to it, another one does soon, and everybody finds it. */
import { afterEach, describe, expect, it } from 'vitest';
import { createBrowserClock } from '../host.ts';
import { LeaderDial } from './leader-dial.ts';

class Candidate {
  readonly id: string;
  readonly worker: Worker;
  state = '';

  constructor(name: string, id: string) {
    this.id = id;
    this.worker = new Worker(new URL('./testing/candidate.worker.ts', import.meta.url), {
      type: 'module',
    });
    this.worker.addEventListener('message', ({ data }) => (this.state = data.state));
    this.worker.postMessage({ type: 'run', name, id });
  }
}

let candidates: Candidate[] = [];
let dials: LeaderDial[] = [];
afterEach(() => {
  for (const { worker } of candidates) worker.terminate();
  for (const dial of dials) dial.close();
  candidates = [];
  dials = [];
});

const someName = (): string => `test ${crypto.randomUUID()}`;
const run = (name: string, ...ids: string[]): Candidate[] => {
  const added = ids.map((id) => new Candidate(name, id));
  candidates.push(...added);
  return added;
};
const dialer = (name: string): LeaderDial => {
  const dial = new LeaderDial({ name, clock: createBrowserClock() });
  dials.push(dial);
  return dial;
};

/** Who answers; tries again until somebody does. */
async function whoAnswers(dial: LeaderDial): Promise<string> {
  for (;;) {
    try {
      return await new Promise<string>((resolve, reject) => {
        dial.dial({ host: 'bus', port: 0 }).then((connection) => {
          connection.start({
            onBytes: (chunk) => {
              resolve(new TextDecoder().decode(chunk));
              connection.close();
            },
            onDrain() {},
            onClose: (cause) => reject(cause ?? new Error('closed')),
          });
          connection.send([new TextEncoder().encode('hello')]);
        }, reject);
      });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

describe('tabs', () => {
  it('elect one leader, and all find it', async () => {
    const name = someName();
    const workers = run(name, 'a', 'b', 'c');
    const answers = await Promise.all(
      [dialer(name), dialer(name), dialer(name)].map((dial) => whoAnswers(dial)),
    );
    expect(new Set(answers).size).toBe(1);
    expect(workers.filter(({ state }) => state === 'leading').length).toBe(1);
  });

  it('go on within half a second when the leader dies, ten times', async () => {
    const name = someName();
    run(name, 'w0', 'w1', 'w2');
    const dial = dialer(name);
    let leader = await whoAnswers(dial);
    const epochs = [dial.epoch!];
    const gapsMs: number[] = [];
    for (let n = 3; n < 13; n++) {
      const dying = candidates.find(({ id }) => leader.startsWith(`${id}:`))!;
      run(name, `w${n}`);
      const startMs = performance.now();
      dying.worker.terminate();
      let next = leader;
      while (next === leader) next = await whoAnswers(dial);
      gapsMs.push(performance.now() - startMs);
      leader = next;
      epochs.push(dial.epoch!);
    }
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
    expect(new Set(epochs).size).toBe(11);
    expect(Math.max(...gapsMs)).toBeLessThan(2_000);
  });

  it('take the lead from one that hangs, and it does not come back', async () => {
    const name = someName();
    run(name, 'a', 'b', 'c');
    const dial = dialer(name);
    const first = await whoAnswers(dial);
    const hung = candidates.find(({ id }) => first.startsWith(`${id}:`))!;
    const startMs = performance.now();
    hung.worker.postMessage({ type: 'hang', forMs: 9_000 });
    let next = first;
    while (next === first) next = await whoAnswers(dial);
    expect(performance.now() - startMs).toBeLessThan(6_000);
    const epoch = dial.epoch;
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, 9_500 - (performance.now() - startMs))),
    );
    expect(await whoAnswers(dial)).toBe(next);
    expect(dial.epoch).toBe(epoch);
    expect(hung.state).not.toBe('leading');
  });
});
