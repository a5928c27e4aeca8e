/** An application that takes the client as it is built: `client.js`, served beside it. */
import type * as Client from '../../packages/web/src/bundle/client.ts';
import type { BundledApp } from './bundled-app.ts';

/** Not known to the bundler: the page fetches it. */
const path: string = '/client.js';

export const app: BundledApp = {
  async sendAndRead(bootstrap, topic, group) {
    const { Cluster, Consumer, Producer, createBrowserClientHost } = (await import(
      path
    )) as typeof Client;
    const cluster = new Cluster(createBrowserClientHost(), { bootstrap: [bootstrap] });
    const producer = new Producer(cluster, { mayCreateTopics: true });
    await Promise.all(
      [1, 2, 3].map((each) => producer.send(topic, { partition: 0, value: Uint8Array.of(each) })),
    );
    const consumer = new Consumer(cluster, {
      from: 'earliest',
      ...(group !== undefined && { group }),
    });
    if (group === undefined) await consumer.assign([{ topic, partition: 0 }]);
    else await consumer.subscribe([topic]);
    const read: number[] = [];
    while (read.length < 3)
      for (const record of (await consumer.poll())!.records) {
        read.push(record.value![0]!);
        consumer.finished(record);
      }
    const state = consumer.membership?.getSnapshot().value;
    await consumer.close();
    await producer.close();
    cluster.close();
    return { read, state };
  },
};
