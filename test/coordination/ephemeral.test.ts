/** An ephemeral node is there for as long as its session, whichever broker dies meanwhile, and no longer. */
import { Bus } from '@odradek/client';
import { describe, expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { quorumLeader } from './quorum-leader.ts';

const SESSION_TIMEOUT_MS = 6_000;
/** A renewal each third of it: so much may have passed of it when the owner dies. */
const SINCE_RENEWAL_MS = SESSION_TIMEOUT_MS / 3;
/** The clock of sessions ticks, the record is flushed, and this machine has other things to do. */
const SLACK_MS = 3_000;

describe('an ephemeral node of a cluster', () => {
  it(
    'outlives the leader of the quorum, and goes with its session: at once when it is closed, at the end of its time when nobody is there',
    { timeout: 180_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using brokers = await ClusterProcesses.start({ folder: folder.path });
      const connect = async () => {
        const cluster = brokers.connect({ retry: { timeoutMs: 60_000 } });
        const bus = new Bus(cluster);
        return {
          cluster,
          bus,
          tree: await bus.coordination({ sessionTimeoutMs: SESSION_TIMEOUT_MS }),
        };
      };
      const watching = await connect();
      const [orderly, doomed] = [await connect(), await connect()];
      const gone = new Map<string, number>();
      const order: string[] = [];
      const stop = new AbortController();
      const following = (async () => {
        for await (const { kind, path } of watching.tree.watch('/here', {
          scope: 'subtree',
          signal: stop.signal,
        })) {
          order.push(`${kind} ${path}`);
          if (kind === 'deleted') gone.set(path, performance.now());
        }
      })();
      await watching.tree.create('/here');
      await orderly.tree.create('/here/orderly', { ephemeral: true });
      await doomed.tree.create('/here/doomed', { ephemeral: true });
      const ids = [orderly, doomed].map(({ tree }) => tree.getSnapshot().sessionId);

      for (let kill = 0; kill < 2; kill++) {
        const leader = await quorumLeader(watching.cluster);
        await brokers.kill(leader);
        await watching.tree.sync();
        expect(await watching.tree.children('/here')).toEqual(['doomed', 'orderly']);
        await brokers.start(leader);
      }
      // Longer than a session that nobody renews.
      await new Promise((resolve) => setTimeout(resolve, SESSION_TIMEOUT_MS + 500));
      await watching.tree.sync();
      expect(await watching.tree.children('/here')).toEqual(['doomed', 'orderly']);
      expect([orderly, doomed].map(({ tree }) => tree.getSnapshot())).toMatchObject(
        ids.map((sessionId) => ({ status: 'connected', sessionId })),
      );

      await orderly.bus.close();
      // Well before its time would have been over.
      await until(() => gone.has('/here/orderly'), SESSION_TIMEOUT_MS / 2);
      // As if its process had been killed: nothing is said to anybody.
      doomed.cluster.close();
      const diedAt = performance.now();
      await until(() => gone.has('/here/doomed'), SESSION_TIMEOUT_MS + SLACK_MS);
      const livedMs = gone.get('/here/doomed')! - diedAt;
      expect(livedMs).toBeGreaterThan(SESSION_TIMEOUT_MS - SINCE_RENEWAL_MS - 500);
      stop.abort();
      await following;
      expect(order).toEqual([
        'created /here',
        'created /here/orderly',
        'created /here/doomed',
        'deleted /here/orderly',
        'deleted /here/doomed',
      ]);
      await watching.bus.close();
    },
  );
});
