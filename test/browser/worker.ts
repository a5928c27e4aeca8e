/** A client in a dedicated worker: sends one record, reads it back, and tells what it read. */
import { Bus, Cluster } from '@odradek/client';
import type { Endpoint } from '@odradek/ports';
import { createBrowserClientHost } from '@odradek/web';

export interface WorkerTask {
  readonly bootstrap: Endpoint;
  readonly topic: string;
  readonly value: string;
}

addEventListener('message', ({ data }: MessageEvent<WorkerTask>) => {
  void sendAndRead(data).then(
    (value) => postMessage({ value }),
    (error: unknown) => postMessage({ error: String(error) }),
  );
});

async function sendAndRead({ bootstrap, topic, value }: WorkerTask): Promise<unknown> {
  await using bus = new Bus(new Cluster(createBrowserClientHost(), { bootstrap: [bootstrap] }));
  await bus.admin.createTopic({ name: topic, partitions: 1 });
  await bus.send(topic, { value });
  for await (const message of bus.consume(topic, { from: 'earliest' })) return message.value;
  return undefined;
}
