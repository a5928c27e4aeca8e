import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Endpoint } from '@odradek/ports';
import { controlBrokers } from '../support/broker-control-node.ts';
import type { ControlledBroker } from '../support/broker-control.ts';
import { findChromium } from '../support/chromium.ts';
import type { BundledApp, Outcome } from './bundled-app.ts';
import { startSite } from './page.ts';
import type { OpenPage, Site } from './page.ts';

declare const app: BundledApp;

const dist = join(import.meta.dirname, '../../packages/web/dist');
const policy = "default-src 'none'; script-src 'self'; connect-src 'self' ws://127.0.0.1:*";
const FIRST_LOAD = ['/client-core.js', '/client.js'];

describe.skipIf(findChromium() === undefined)('the bundle client.js, as it is built', () => {
  const brokers = controlBrokers({ 'odradek.websocket.allowed.origins': 'http://127.0.0.1:*' });
  let broker: ControlledBroker;
  let site: Site;
  beforeAll(async () => {
    broker = await brokers.start();
    const files = readdirSync(dist).map((name) => [`/${name}`, readFileSync(join(dist, name))]);
    site = await startSite('./bundled-application.ts', Object.fromEntries(files));
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await brokers[Symbol.asyncDispose]();
  });

  const loaded = ({ requested }: OpenPage): readonly string[] =>
    requested.filter((path) => path.startsWith('/client')).toSorted();

  it('sends and reads without anything besides', async () => {
    await using opened = await site.open(policy);
    expect(await sendAndRead(opened, broker.webSocket, 'plain')).toEqual({
      read: [1, 2, 3],
      state: undefined,
    });
    expect(loaded(opened)).toEqual(FIRST_LOAD);
    expect(opened.complaints).toEqual([]);
  });

  it('fetches what a group needs when there is one', async () => {
    await using opened = await site.open(policy);
    expect(await sendAndRead(opened, broker.webSocket, 'shared', 'workers')).toEqual({
      read: [1, 2, 3],
      state: { member: 'stable' },
    });
    expect(loaded(opened)).toEqual(['/client-core.js', '/client-group-share.js', '/client.js']);
    expect(opened.complaints).toEqual([]);
  });

  it('tries again to fetch it, since the page may have been offline', async () => {
    await using opened = await site.open(policy);
    let refusals = 2;
    await opened.page.route('**/client-group-share.js', (route) =>
      refusals-- > 0 ? route.abort('internetdisconnected') : route.continue(),
    );
    expect(await sendAndRead(opened, broker.webSocket, 'later', 'patient')).toEqual({
      read: [1, 2, 3],
      state: { member: 'stable' },
    });
    expect(refusals).toBeLessThan(0);
    expect(opened.complaints).toEqual([]);
  });
});

const sendAndRead = (
  { page }: OpenPage,
  bootstrap: Endpoint,
  topic: string,
  group?: string,
): Promise<Outcome> =>
  page.evaluate(([to, name, groupId]) => app.sendAndRead(to, name, groupId), [
    bootstrap,
    topic,
    group,
  ] as const);
