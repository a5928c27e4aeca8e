/** One seed is one history, in Node and in a browser's worker: the hash over every event and every byte is the same. */
import { build } from 'esbuild';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { SimulationOptions, SimulationResult } from '@odradek/simulator';
import { describe, expect, it } from 'vitest';
import { chromiumFlags, findChromium } from '../support/chromium.ts';

const executablePath = findChromium();
const HISTORIES: readonly SimulationOptions[] = [
  ...[1, 2].map((seed) => ({ seed, seconds: 10, brokers: 2, shape: 'each' as const })),
  ...[1, 2].map((seed) => ({ seed, seconds: 8, brokers: 3, shape: 'one' as const })),
  { seed: 3, seconds: 5, brokers: 'mixed', shape: 'one' },
];

/** Three times each history, on a machine that does much else. */
const TIMEOUT_MS = 180_000;

/** The simulator with all that it runs, as one script that leaves `simulate` in `self`. */
const bundled = async (): Promise<string> => {
  const { outputFiles } = await build({
    stdin: {
      contents: "import { simulate } from '@odradek/simulator'; globalThis.simulate = simulate;",
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    write: false,
    format: 'iife',
    // For hosts of every kind: nothing of Node's.
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    logLevel: 'error',
  });
  return outputFiles[0]!.text;
};

describe('a simulation', () => {
  it.skipIf(executablePath === undefined)(
    'has the same trace twice in Node, and in Chromium',
    async () => {
      const script = await bundled();
      const [inNode, again] = await hashesInNode(script);
      expect(new Set(inNode).size).toBe(HISTORIES.length);
      expect(again).toEqual(inNode);
      const browser = await chromium.launch({
        executablePath: executablePath!,
        args: [...chromiumFlags],
      });
      try {
        const page = await browser.newPage();
        const inWorker = await page.evaluate(pageScript(script));
        expect(inWorker).toEqual(inNode);
      } finally {
        await browser.close();
      }
    },
    TIMEOUT_MS,
  );
});

/** As text: here nobody knows the page's globals. */
function pageScript(script: string): string {
  const work = `self.onmessage = async ({ data }) => {
    const hashes = [];
    for (const options of data) hashes.push((await simulate(options)).hash);
    self.postMessage(hashes);
  };`;
  return `new Promise((resolve, reject) => {
    const parts = [${JSON.stringify(script)}, ${JSON.stringify(work)}];
    const worker = new Worker(URL.createObjectURL(new Blob(parts, { type: 'text/javascript' })));
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(${JSON.stringify(HISTORIES)});
  })`;
}

/** Of a first and of a second time. */
async function hashesInNode(script: string): Promise<readonly [string[], string[]]> {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-simulator-'));
  try {
    const file = join(folder, 'simulator.mjs');
    writeFileSync(file, `${script}\nexport const run = globalThis.simulate;`);
    const { run } = (await import(pathToFileURL(file).href)) as {
      run: (options: SimulationOptions) => Promise<SimulationResult>;
    };
    const hashes: [string[], string[]] = [[], []];
    for (const round of hashes)
      for (const options of HISTORIES) round.push((await run(options)).hash);
    return hashes;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
