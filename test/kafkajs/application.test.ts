/** One application, five ways to run it: with KafkaJS, with one import changed, over WebSocket, and in a page. What comes out is the same. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumFlags, findChromium } from '../support/chromium.ts';
import { startInProcess } from '../support/in-process-broker.ts';
import type { InProcessBroker } from '../support/in-process-broker.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import type { TemporaryFolder } from '../support/temporary-folder.ts';
import type { Outcome } from './application.ts';
import { bundleForNode, bundleForPage } from './bundles.ts';

let folder: TemporaryFolder;
let pages: Server;
let broker: InProcessBroker;
beforeAll(async () => {
  folder = await temporaryFolder();
  pages = await servePages(folder.path);
  broker = await startInProcess({
    config: { 'odradek.websocket.allowed.origins': originOf(pages) },
  });
});
afterAll(async () => {
  await broker.dispose();
  pages.close();
  await folder[Symbol.asyncDispose]();
});

describe('an application written for KafkaJS', () => {
  it('runs with KafkaJS', async () => {
    const outcome = await inNode('run-application.ts', broker.bootstrap, 'tcp');
    expect(outcome).toEqual(expected('tcp'));
  });

  it('runs with one import changed', async () => {
    const outcome = await inNode('run-application.ts', broker.bootstrap, 'ours', 'odradek/kafkajs');
    expect(outcome).toEqual(expected('ours'));
  });

  it('runs with the unmodified KafkaJS over WebSocket', async () => {
    const outcome = await inNode('run-over-websocket.ts', webAddress(), 'socket');
    expect(outcome).toEqual(expected('socket'));
  });
});

describe.skipIf(findChromium() === undefined)('in a page of Chromium', () => {
  it('runs with the unmodified KafkaJS, bundled', async () => {
    expect(await inPage('page-with-kafkajs.mjs', 'page')).toEqual(expected('page'));
  });

  it('runs with one import changed', async () => {
    const outcome = await inPage('page-with-ours.mjs', 'page-ours', '@odradek/web/kafkajs');
    expect(outcome).toEqual(expected('page-ours'));
  });
});

const webAddress = (): string => {
  const { host, port } = broker.addresses.http!;
  return `${host}:${port}`;
};

async function inNode(
  entry: string,
  address: string,
  topic: string,
  from?: string,
): Promise<Outcome> {
  const program = join(folder.path, `${topic}.mjs`);
  await bundleForNode(entry, program, from);
  const { code, stdout, stderr } = await run(process.execPath, [program, address, topic]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout.toString()) as Outcome;
}

async function inPage(entry: string, topic: string, from?: string): Promise<Outcome> {
  await bundleForPage(entry, join(folder.path, `${topic}.js`), from);
  const browser = await chromium.launch({
    executablePath: findChromium()!,
    args: [...chromiumFlags],
  });
  try {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${originOf(pages)}/${topic}`);
    const outcome = await page.evaluate(
      ([address, name]) =>
        (globalThis as unknown as Page).runOrderBook(address as string, name as string),
      [webAddress(), topic],
    );
    expect(complaints).toEqual([]);
    return outcome;
  } finally {
    await browser.close();
  }
}

interface Page {
  runOrderBook(address: string, topic: string): Promise<Outcome>;
}

/** Nothing but a script of that name. */
async function servePages(from: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (!path.endsWith('.js')) {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><script type="module" src="${path}.js"></script>`);
      return;
    }
    readFile(join(from, path)).then(
      (script) => response.setHeader('content-type', 'text/javascript').end(script),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const originOf = (server: Server): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Keys are where Java's client puts them: all clients agree. */
function expected(topic: string): Outcome {
  const headers = { source: 'web', tags: ['new', 'urgent'] };
  const orders = ['anna', 'bruno', 'clara', 'dora'].flatMap((customer) => [
    { customer, value: `bill of ${customer}`, headers: {} },
    { customer, value: null, headers: {} },
    { customer, value: `order of ${customer}`, headers },
  ]);
  return {
    created: [true, false],
    sent: Array.from({ length: 4 }, () => `${topic} 0`),
    eachMessage: orders,
    eachBatch: orders,
    keysStayTogether: true,
    joined: [`${topic}-one-by-one true 3`, `${topic}-in-batches true 3`],
    // Nobody commits where nobody wrote.
    committed: ['0: -1', '1: 6', '2: 6'],
    ends: ['0: 0', '1: 6', '2: 6'],
    groups: [`${topic}-in-batches Empty`, `${topic}-one-by-one Empty`],
    refused: 'KafkaJSNonRetriableError',
  };
}
