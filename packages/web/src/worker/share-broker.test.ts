/** Several tabs, told by what each has: a worker and a client. */
import { connect, type Bus } from '@odradek/client';
import { afterEach, describe, expect, it } from 'vitest';
import { shareBroker, type SharedBroker } from './share-broker.ts';
import { workersOf } from './testing.ts';

const worker = await workersOf('hanging-tab.worker.ts');

interface Tab {
  readonly shared: SharedBroker;
  readonly bus: Bus;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.each(['opfs', 'indexeddb'] as const)('tabs that share a broker over %s', (storage) => {
  let tabs: Tab[] = [];
  afterEach(async () => {
    for (const { shared, bus } of tabs.splice(0)) {
      void bus.close().catch(() => {});
      shared.worker.terminate();
    }
  });

  async function openTab(name: string): Promise<Tab> {
    const shared = shareBroker({ name, storage, worker });
    const bus = await connect({ host: shared.clientHost, brokers: shared.bootstrap });
    const tab = { shared, bus };
    tabs.push(tab);
    return tab;
  }

  async function leader(): Promise<Tab> {
    for (;;) {
      for (const tab of tabs) if ((await tab.shared.status()).role === 'leading') return tab;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** What a tab hears from now on, in its order. */
  function listening({ bus }: Tab, topic: string): number[] {
    const heard: number[] = [];
    void (async () => {
      for await (const { value } of bus.consume(topic, { from: 'earliest' }))
        heard.push(value as number);
    })().catch(() => {});
    return heard;
  }

  it('hear what any of them sends, and go on when the one that leads dies or leaves', async () => {
    const name = `shared-${crypto.randomUUID()}`;
    const [a, b, c] = [await openTab(name), await openTab(name), await openTab(name)];
    await a.bus.admin.createTopic({ name: 'events', partitions: 1 });
    let heard = tabs.map((tab) => listening(tab, 'events'));
    let next = 0;
    const say = async (tab: Tab): Promise<void> => {
      const value = next++;
      await tab.bus.send('events', { value });
    };
    for (const tab of [a, b, c]) await say(tab);
    await until(() => heard.every(({ length }) => length === 3));

    const epochs: number[] = [];
    for (const end of ['terminate', 'close'] as const) {
      const leading = await leader();
      epochs.push(leading.shared.epoch!);
      const at = tabs.indexOf(leading);
      tabs = tabs.filter((tab) => tab !== leading);
      heard = heard.filter((_, i) => i !== at);
      if (end === 'terminate') leading.shared.worker.terminate();
      else await leading.shared.close();
      void leading.bus.close().catch(() => {});
      for (const tab of tabs) await say(tab);
      await until(() => heard.every(({ length }) => length === next));
    }
    epochs.push((await leader()).shared.epoch!);
    expect(epochs).toEqual([1, 2, 3]);
    for (const values of heard) expect(values).toEqual(Array.from({ length: next }, (_, i) => i));
  });

  it('go on within seconds when the worker that leads hangs', async () => {
    const name = `hung-${crypto.randomUUID()}`;
    const [a, b] = [await openTab(name), await openTab(name)];
    await a.bus.admin.createTopic({ name: 'events', partitions: 1 });
    await a.bus.send('events', { value: 0 });
    const leading = await leader();
    const hung = leading.shared.worker;
    const other = leading === a ? b : a;
    const beganMs = performance.now();
    hung.postMessage({ hangForMs: 30_000 });
    await other.bus.send('events', { value: 1 });
    expect(performance.now() - beganMs).toBeLessThan(15_000);
    expect(leading.shared.worker).not.toBe(hung);
    await leading.bus.send('events', { value: 2 });
    for (const tab of tabs) {
      const heard = listening(tab, 'events');
      await until(() => heard.length === 3);
      expect(heard).toEqual([0, 1, 2]);
    }
  });

  it('are told when their worker cannot run', async () => {
    const missing = () => new Worker('/nowhere/worker.js', { type: 'module' });
    const shared = shareBroker({ name: crypto.randomUUID(), storage, worker: missing });
    expect(await shared.status()).toMatchObject({ role: 'broken' });
    await shared.close();
  });
});
