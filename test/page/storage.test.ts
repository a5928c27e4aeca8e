/**
 * Storage of a browser whose profile is on the disk, and what is left of it when a worker, a page's process or the whole browser
 * is killed while it writes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chromiumFlags, findChromium } from '../support/chromium.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import type { StorageState, StorageTask } from './storage-task.ts';

/** Of the page. */
declare const run: (task: StorageTask) => Promise<StorageState>;
declare const write: (task: StorageTask) => void;
declare const worker: { terminate(): void };

const HTML = `<!doctype html><title>storage</title><script>
function start(task, told) {
  globalThis.worker = new Worker('/worker.js', { type: 'module' });
  worker.onmessage = ({ data }) => told(data);
  worker.postMessage(task);
}
const run = (task) => new Promise((resolve) => start(task, resolve));
const write = (task) => start(task, tell);
</script>`;

const KILLED_WORKERS = 4;
const KILLED_PAGES = 2;
const KILLED_BROWSERS = 2;

describe.skipIf(findChromium() === undefined)('storage in a browser', () => {
  let server: Server;
  let origin: string;
  let profile: TemporaryFolder;
  let running: { child: ChildProcess; browser: Browser } | undefined;
  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, 'storage-worker.ts')],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      write: false,
    });
    server = createServer(({ url }, response) => {
      const isScript = url === '/worker.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? outputFiles[0]!.text : HTML);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    profile = await temporaryFolder();
  });
  afterEach(kill);
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await profile[Symbol.asyncDispose]();
  });

  async function openPage(): Promise<Page> {
    running ??= await launch(profile.path);
    const page = await running.browser.contexts()[0]!.newPage();
    await page.goto(origin);
    return page;
  }

  async function kill(): Promise<void> {
    if (running === undefined) return;
    const { child } = running;
    running = undefined;
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  const outcomeOf = async (task: StorageTask): Promise<StorageState> => {
    const page = await openPage();
    try {
      return await page.evaluate((it) => run(it), task);
    } finally {
      await page.close();
    }
  };

  /** Starts a worker that writes, and waits until it has written for a while. `told` is what it said to be on the disk. */
  async function writing(task: StorageTask): Promise<{ page: Page; told: StorageState[] }> {
    const page = await openPage();
    const told: StorageState[] = [];
    await page.exposeFunction('tell', (state: StorageState) => void told.push(state));
    await page.evaluate((it) => write(it), task);
    const rounds = 5 + Math.floor(Math.random() * 20);
    await until(async () => told.length >= rounds || told.at(-1)?.error !== undefined);
    expect(told.at(-1)?.error).toBeUndefined();
    return { page, told };
  }

  for (const storage of ['indexeddb', 'opfs'] as const) {
    describe(storage, () => {
      const task = (work: StorageTask['work'], name: string): StorageTask => ({
        work,
        storage,
        name,
      });

      async function keepsAllThroughout(
        times: number,
        name: string,
        end: (page: Page) => Promise<void>,
      ): Promise<void> {
        for (let round = 0; round < times; round++) {
          const { page, told } = await writing(task('write', name));
          await end(page);
          const state = await outcomeOf(task('look', name));
          const last = told.at(-1)!;
          expect(state.error).toBeUndefined();
          expect(state.records).toBeGreaterThanOrEqual(last.records);
          expect(state.vote).toBeGreaterThanOrEqual(last.vote);
        }
      }

      it('has all that was synced when a worker is terminated', () =>
        keepsAllThroughout(KILLED_WORKERS, 'worker', async (page) => {
          await page.evaluate(() => worker.terminate());
        }));

      it('has all that was synced when the page’s process crashes', () =>
        keepsAllThroughout(KILLED_PAGES, 'page', async (page) => {
          const crashed = new Promise((resolve) => page.on('crash', resolve));
          page.goto('chrome://crash').catch(() => {});
          await crashed;
        }));

      it('has all that was synced when the browser is killed', () =>
        keepsAllThroughout(KILLED_BROWSERS, 'browser', kill));

      it('says that no quota is left, keeps what it has, and goes on when there is room', async () => {
        const page = await openPage();
        const devtools = await page.context().newCDPSession(page);
        await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 12_000_000 });
        const state = await outcomeOf(task('fill', 'quota'));
        await devtools.send('Storage.overrideQuotaForOrigin', { origin });
        expect(state).toMatchObject({ kind: 'full', error: expect.stringContaining('quota') });
        expect(state.records).toBeGreaterThan(0);
      });
    });
  }
});

async function launch(profile: string): Promise<{ child: ChildProcess; browser: Browser }> {
  const child = spawn(
    findChromium()!,
    [
      ...chromiumFlags,
      '--headless=new',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /DevTools listening on (\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.on('exit', () => reject(new Error(`chromium has ended: ${said}`)));
  });
  return { child, browser: await chromium.connectOverCDP(address) };
}
