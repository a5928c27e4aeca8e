import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bus, Cluster } from '@odradek/client';
import type { ProducerOptions, RetryPolicy } from '@odradek/client';
import { createBrowserClientHost } from '@odradek/web';
import type { ControlledBroker } from '../support/broker-control.ts';
import { pageDoor } from './run-suite.ts';

const value = Array.from({ length: 500 }, (_, index) => ({ index, text: 'again and again' }));

describe('a page', () => {
  let broker: ControlledBroker;
  beforeAll(async () => {
    broker = await pageDoor.brokers.start();
  });
  afterAll(() => pageDoor.brokers.dispose(broker));

  /** Each with a host of its own, which has loaded no codec yet. */
  const connected = (
    options: ProducerOptions = {},
    host = pageDoor.host(),
    retry: Partial<RetryPolicy> = {},
  ): Bus =>
    new Bus(new Cluster(host, { bootstrap: [pageDoor.endpointOf(broker)], retry }), options);

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'fetches %s when it first writes with it, and when it first reads it',
    async (compression) => {
      await using writer = connected({ compression });
      await writer.admin.createTopic({ name: compression, partitions: 1 });
      await writer.send(compression, { value });
      await using reader = connected();
      for await (const message of reader.consume(compression, { from: 'earliest' })) {
        expect(message.value).toEqual(value);
        break;
      }
    },
  );

  it('says what is missing when zstd is not there', async () => {
    const host = createBrowserClientHost({ zstdWasm: '/nowhere/zstd.wasm' });
    await using bus = connected({ compression: 'zstd' }, host, { timeoutMs: 1000 });
    await bus.admin.createTopic({ name: 'not-zstd', partitions: 1 });
    await expect(bus.send('not-zstd', { value: 1 })).rejects.toMatchObject({
      name: 'CodecUnavailable',
      message: expect.stringContaining('/nowhere/zstd.wasm'),
      cause: { name: 'CompressionError', kind: 'unsupported' },
    });
  });
});
