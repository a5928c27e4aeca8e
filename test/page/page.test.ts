import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlBrokers } from '../support/broker-control-node.ts';
import type { ControlledBroker } from '../support/broker-control.ts';
import { findChromium } from '../support/chromium.ts';
import { until } from '../support/until.ts';
import type { App } from './app.ts';
import { startSite } from './page.ts';
import type { Site } from './page.ts';

declare const app: App;

const zstdWasm = readFileSync(
  new URL('../../node_modules/@bokuweb/zstd-wasm/dist/web/zstd.wasm', import.meta.url),
);
const strict = "default-src 'none'; script-src 'self'; connect-src 'self' ws://127.0.0.1:*";

describe.skipIf(findChromium() === undefined)('a bundled application', () => {
  const brokers = controlBrokers({ 'odradek.websocket.allowed.origins': 'http://127.0.0.1:*' });
  let broker: ControlledBroker;
  let site: Site;
  beforeAll(async () => {
    broker = await brokers.start();
    site = await startSite('./application.ts', { '/zstd.wasm': zstdWasm });
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await brokers[Symbol.asyncDispose]();
  });

  it('needs nothing that a strict policy forbids, and loads no codec that it does not meet', async () => {
    await using opened = await site.open(strict);
    const value = await opened.page.evaluate(
      (endpoint) => app.sendAndRead(endpoint, 'plain', { n: 1 }),
      broker.webSocket,
    );
    expect(value).toEqual({ n: 1 });
    expect(opened.requested.filter((path) => path.includes('portable'))).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });

  it('fetches the codecs when it meets one', async () => {
    await using opened = await site.open(strict);
    const value = await opened.page.evaluate(
      (endpoint) => app.sendAndRead(endpoint, 'gzipped', 'again and again', 'gzip'),
      broker.webSocket,
    );
    expect(value).toBe('again and again');
    expect(opened.requested.filter((path) => path.includes('portable'))).toHaveLength(1);
    expect(opened.requested).not.toContain('/zstd.wasm');
  });

  it('has zstd where the policy lets WebAssembly run, and says so where not', async () => {
    const attempt = async (policy: string, topic: string): Promise<unknown> => {
      await using opened = await site.open(policy);
      return await opened.page.evaluate(
        ([endpoint, name]) => app.sendAndRead(endpoint, name, 'again and again', 'zstd'),
        [broker.webSocket, topic] as const,
      );
    };
    const open = strict.replace("'self';", "'self' 'wasm-unsafe-eval';");
    expect(await attempt(open, 'zstd')).toBe('again and again');
    expect(await attempt(strict, 'no-zstd')).toMatchObject({
      name: 'CodecUnavailable',
      message: expect.stringContaining('/zstd.wasm'),
    });
  });

  it('goes on by itself after it was offline, and everything is there once and in order', async () => {
    await using opened = await site.open(strict);
    const { page } = opened;
    await page.evaluate((endpoint) => app.follow(endpoint, 'wandering'), broker.webSocket);
    const send = (value: number): Promise<void> =>
      page.evaluate((each) => app.send('wandering', each), value);
    const seen = (): Promise<readonly unknown[]> => page.evaluate(() => app.seen());
    await send(0);
    await until(async () => (await seen()).length === 1);
    await page.context().setOffline(true);
    const sent = [send(1), send(2), send(3)];
    await brokers.kill(broker);
    await page.context().setOffline(false);
    await brokers.restart(broker);
    await Promise.all(sent);
    await send(4);
    await until(async () => (await seen()).length >= 5);
    expect(await seen()).toEqual([0, 1, 2, 3, 4]);
    expect(opened.complaints).toEqual([]);
  });
});
