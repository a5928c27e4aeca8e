/**
 * A process that wants a lock again and again, and says so on its output, a line of JSON for each thing that it knows:
 *
 *   acquired   the lock is its
 *   held       just before `at` it was asked for `isHeld`, and it was
 *   wrote      something was sent to a resource, without asking again
 *   lost, gone
 *
 * Times are of the machine's monotonic clock, the same in every process.
 *
 *   node contender.mjs BROKERS PATH NAME SESSION_TIMEOUT_MS
 */
import { Bus, Cluster } from '@odradek/client';
import { createClientHost } from '@odradek/node';

/** How long it works under the lock, and how often it says so. */
const WORK_MS = 150;
const STEP_MS = 5;

const [, , brokers = '', path = '', name = '', timeout = '0'] = process.argv;
const say = (fact: string, more: object = {}): void => {
  process.stdout.write(`${JSON.stringify({ fact, name, ...more })}\n`);
};
const now = (): string => String(process.hrtime.bigint());
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const cluster = new Cluster(createClientHost(), {
  bootstrap: brokers.split(',').map((it) => {
    const [host = '', port = '0'] = it.split(':');
    return { host, port: Number(port) };
  }),
  requestTimeoutMs: 3_000,
});
const bus = new Bus(cluster);
const tree = await bus.coordination({ sessionTimeoutMs: Number(timeout) });
let isStopping = false;
process.on('SIGTERM', () => (isStopping = true));

while (!isStopping) {
  try {
    await using lock = await tree.lock(path, { value: name });
    const { fence } = lock;
    say('acquired', { at: now(), fence });
    let isLost = false;
    void lock.lost.then(() => (isLost = true));
    const until = performance.now() + WORK_MS;
    while (performance.now() < until && !isLost) {
      const at = now();
      if (lock.isHeld) say('held', { at, fence });
      await pause(STEP_MS);
      // As a program that trusts the lock would: this is what fences are for.
      say('wrote', { at: now(), fence });
    }
    if (isLost) say('lost', { fence });
  } catch (error) {
    say('failed', { reason: String(error) });
    await pause(50);
  }
}
await bus.close();
say('gone');
