/** What runs in the page; the test calls it. Values go out and come back as plain data. */
import { Bus, Cluster } from '@odradek/client';
import type { CompressionName, Endpoint } from '@odradek/ports';
import { createBrowserClientHost } from '@odradek/web';
import type { App } from './app.ts';

const REQUEST_TIMEOUT_MS = 1000;

const open = (bootstrap: Endpoint, compression?: CompressionName): Bus =>
  new Bus(
    new Cluster(createBrowserClientHost(), {
      bootstrap: [bootstrap],
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    }),
    compression === undefined ? {} : { compression },
  );

const read: unknown[] = [];
let bus: Bus;

export const app: App = {
  async sendAndRead(bootstrap, topic, value, compression) {
    await using opened = open(bootstrap, compression);
    try {
      await opened.admin.createTopic({ name: topic, partitions: 1 });
      await opened.send(topic, { value });
      for await (const message of opened.consume(topic, { group: `of-${topic}`, from: 'earliest' }))
        return message.value;
      return undefined;
    } catch (error) {
      const { name, message } = error as Error;
      return { name, message };
    }
  },
  async follow(bootstrap, topic) {
    bus = open(bootstrap);
    await bus.admin.createTopic({ name: topic, partitions: 1 });
    void (async () => {
      for await (const { value } of bus.consume(topic, { from: 'earliest' })) read.push(value);
    })();
  },
  async send(topic, value) {
    await bus.send(topic, { value });
  },
  seen: () => read,
};
