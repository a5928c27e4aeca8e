// Storage in Chromium beside the browser's own, in one run and in turns; a profile on the real disk.
//   node test/bench/browser/main.mjs [--rounds 3] [--seconds 1] [--only opfs|indexeddb|first]
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const { outputFiles } = await build({
  entryPoints: {
    worker: join(import.meta.dirname, 'worker.ts'),
    page: join(import.meta.dirname, 'page.ts'),
    broker: join(import.meta.dirname, '../../../packages/web/src/worker/broker.worker.ts'),
  },
  outdir: '/',
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  write: false,
});
const HTML = '<!doctype html><title>bench</title><script type="module" src="/page.js"></script>';
const scripts = new Map(outputFiles.map(({ path, contents }) => [path, contents]));
const server = createServer(({ url }, response) => {
  const script = scripts.get(url);
  response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
  response.end(script ?? HTML);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const profile = mkdtempSync(join(tmpdir(), 'odradek-bench-'));
const { chromiumFlags, findChromium } = await flags();
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: findChromium(),
  args: [...chromiumFlags],
});
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const run = (it) =>
    page.evaluate(
      (data) =>
        new Promise((resolve, reject) => {
          const worker = new Worker('/worker.js', { type: 'module' });
          worker.addEventListener('error', ({ message }) => reject(new Error(message)));
          worker.addEventListener('message', ({ data: { mibPerSecond, error } }) => {
            worker.terminate();
            if (error === undefined) resolve(mibPerSecond);
            else reject(new Error(error));
          });
          worker.postMessage(data);
        }),
      it,
    );
  if ((values.only ?? 'first') === 'first') await firstRecords(page);
  const storages = ['opfs', 'indexeddb'].filter((it) => (values.only ?? it) === it);
  if (storages.length > 0)
    process.stdout.write('storage    flushed  depth     raw    ours  MiB/s   ratio\n');
  for (const storage of storages)
    for (const flush of [false, true])
      for (const depth of [1, 16, 64]) {
        const windowMs = Number(values.seconds) * 1000;
        const sums = { raw: [], ours: [] };
        for (let round = 0; round < Number(values.rounds); round++) {
          sums.raw.push(await run({ storage, flush, depth, isRaw: true, windowMs }));
          sums.ours.push(await run({ storage, flush, depth, isRaw: false, windowMs }));
        }
        const [raw, ours] = [median(sums.raw), median(sums.ours)];
        process.stdout.write(
          `${storage.padEnd(10)} ${String(flush).padEnd(7)} ${String(depth).padStart(6)} ${raw.toFixed(1).padStart(7)} ${ours.toFixed(1).padStart(7)} ${(ours / raw).toFixed(2).padStart(14)}\n`,
        );
      }
} finally {
  await browser.close();
  server.close();
  rmSync(profile, { recursive: true, force: true });
}

/** Milliseconds from the worker's start to the first record on the disk; on new data the topic is made first. */
async function firstRecords(page) {
  await page.waitForFunction(() => 'firstRecord' in globalThis);
  for (const storage of ['opfs', 'indexeddb'])
    for (const isNew of [true, false]) {
      const times = [];
      for (let round = 0; round < 10; round++)
        times.push(
          await page.evaluate(
            (args) => firstRecord(...args),
            [storage, `first-${storage}-${isNew ? round : 0}`, isNew],
          ),
        );
      const [started, topic, record] = ['startedMs', 'topicMs', 'recordMs'].map((it) =>
        median(times.map((time) => time[it])).toFixed(0),
      );
      process.stdout.write(
        `first record over ${storage}, ${isNew ? 'new data' : 'data that is there'}: ${record} ms, best ${Math.min(...times.map((time) => time.recordMs)).toFixed(0)} (broker runs ${started}, topic known ${topic})\n`,
      );
    }
}

/** The tests' own way to the browser. */
async function flags() {
  const built = await build({
    entryPoints: [join(import.meta.dirname, '../../support/chromium.ts')],
    format: 'esm',
    write: false,
  });
  return import(`data:text/javascript,${encodeURIComponent(built.outputFiles[0].text)}`);
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
