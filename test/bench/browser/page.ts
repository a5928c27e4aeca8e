/** In the page: how long after its worker was started a broker has its first record on the disk. */
import { connect } from '@odradek/client';
import { startBroker } from '@odradek/web/broker';

export interface FirstRecord {
  /** Milliseconds since the worker was started. */
  readonly startedMs: number;
  readonly topicMs: number;
  readonly recordMs: number;
}

async function firstRecord(
  storage: 'opfs' | 'indexeddb',
  name: string,
  isNew: boolean,
): Promise<FirstRecord> {
  const beganMs = performance.now();
  const since = (): number => performance.now() - beganMs;
  const broker = await startBroker({
    name,
    storage,
    worker: () => new Worker('/broker.js', { type: 'module' }),
  });
  const startedMs = since();
  const bus = await connect({ host: broker.clientHost, brokers: broker.bootstrap });
  if (isNew) await bus.admin.createTopic({ name: 'first', partitions: 1 });
  const topicMs = since();
  await bus.send('first', { value: { n: 1 } });
  const recordMs = since();
  await bus.close();
  await broker.stop();
  return { startedMs, topicMs, recordMs };
}

Object.assign(globalThis, { firstRecord });
