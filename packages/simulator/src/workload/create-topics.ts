/** The topics that stay for a whole history, made before the harm begins. */
import { Admin, BrokerError } from '@odradek/client';
import type { History } from '../checkers/history.ts';
import { startClient, wordsOfError, type ClientWorld } from './client-host.ts';

const AGAIN_MS = 1_000;

/** `topics`: how many partitions each has. */
export async function createTopics(
  world: ClientWorld,
  name: string,
  history: History,
  topics: ReadonlyMap<string, number>,
  replicationFactor: number,
): Promise<void> {
  const { cluster, process } = startClient(world, `${name}-admin`, `${name} admin`);
  const admin = new Admin(cluster);
  const configs: Record<string, string> =
    replicationFactor > 2 ? { 'min.insync.replicas': '2' } : {};
  for (const [topic, partitions] of topics) {
    for (;;) {
      try {
        await admin.createTopic({ name: topic, partitions, replicationFactor, configs });
        history.counts.admin += 1;
        break;
      } catch (error) {
        world.scheduler.trace.say(process.name, `creates ${topic} again: ${wordsOfError(error)}`);
        // It was there when the answer to the first try was lost.
        if (error instanceof BrokerError && error.errorName === 'TOPIC_ALREADY_EXISTS') break;
        await world.scheduler.sleep(AGAIN_MS, process);
      }
    }
  }
  cluster.close();
  process.end();
}
