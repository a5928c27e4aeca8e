/** What runs in the page; the test calls it. Values go out and come back as plain data. */
import { Bus, Cluster } from '@odradek/client';
import type { CompressionName, Endpoint } from '@odradek/ports';
import { createBrowserClientHost } from '@odradek/web';

const REQUEST_TIMEOUT_MS = 1000;

const open = (bootstrap: Endpoint, compression?: CompressionName): Bus =>
  new Bus(
    new Cluster(createBrowserClientHost(), {
      bootstrap: [bootstrap],
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    }),
    compression === undefined ? {} : { compression },
  );

/** Sends one record to a new topic and reads it back as a member of a group. */
export async function sendAndRead(
  bootstrap: Endpoint,
  topic: string,
  value: unknown,
  compression?: CompressionName,
): Promise<unknown> {
  const bus = open(bootstrap, compression);
  try {
    await bus.admin.createTopic({ name: topic, partitions: 1 });
    await bus.send(topic, { value });
    for await (const message of bus.consume(topic, { group: `of-${topic}`, from: 'earliest' }))
      return message.value;
    return undefined;
  } catch (error) {
    return { error: String(error), kind: (error as { kind?: string }).kind };
  } finally {
    await bus.close();
  }
}

let bus: Bus;
const read: unknown[] = [];
export const seen = (): readonly unknown[] => read;

/** Reads from now on, into `seen`. */
export async function follow(bootstrap: Endpoint, topic: string): Promise<void> {
  bus = open(bootstrap);
  await bus.admin.createTopic({ name: topic, partitions: 1 });
  void (async () => {
    for await (const { value } of bus.consume(topic, { from: 'earliest' })) read.push(value);
  })();
}

export const send = async (topic: string, value: unknown): Promise<void> => {
  await bus.send(topic, { value });
};
