import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bus, Cluster } from '@odradek/client';
import type { ControlledBroker } from '../support/broker-control.ts';
import { pageDoor } from './run-suite.ts';
import type { WorkerTask } from './worker.ts';

describe('the client in a page', () => {
  let broker: ControlledBroker;
  beforeAll(async () => {
    broker = await pageDoor.brokers.start();
  });
  afterAll(() => pageDoor.brokers.dispose(broker));

  const connected = (): Bus =>
    new Bus(new Cluster(pageDoor.host(), { bootstrap: [pageDoor.endpointOf(broker)] }));

  it('has no Node around it', () => {
    expect(typeof window).toBe('object');
    expect('Buffer' in globalThis).toBe(false);
  });

  it('sends and reads back', async () => {
    await using bus = connected();
    await bus.admin.createTopic({ name: 'first', partitions: 1 });
    const sent = await bus.send('first', { key: 'a', value: { n: 1 } });
    expect(sent.offset).toBe(0);
    for await (const { key, value } of bus.consume('first', { from: 'earliest' })) {
      expect({ key, value }).toEqual({ key: 'a', value: { n: 1 } });
      break;
    }
  });

  it('works in a dedicated worker as well', async () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    const task: WorkerTask = {
      bootstrap: pageDoor.endpointOf(broker),
      topic: 'from-a-worker',
      value: 'hello',
    };
    const answer = await new Promise((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => resolve(data));
      worker.addEventListener('error', ({ message }) => reject(new Error(message)));
      worker.postMessage(task);
    });
    worker.terminate();
    expect(answer).toEqual({ value: 'hello' });
  });
});
