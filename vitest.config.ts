import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { brokerCommands } from './test/support/page-commands.ts';
import { chromiumFlags, findChromium } from './test/support/chromium.ts';

const chromium = findChromium();
// Found while a test runs, a package is bundled then and the page loaded anew, in the midst of the test.
const optimizeDeps = { include: ['comlink', 'fflate', 'idb', 'xstate'] };
/** Of packages that have a part for browsers: that part's tests. */
const browserTests = [
  'packages/storage/src/{indexeddb,opfs}/**/*.test.ts',
  'packages/transport/src/message-port/**/*.test.ts',
];

/** Of the whole system: these mostly wait (for processes, Java, timeouts), and judge nobody by the clock or by memory. */
const SIDE_BY_SIDE = [
  'test/client/**/*.test.ts',
  'test/cluster/{cuts,groups,reads,refusals,roles,voters}.test.ts',
  'test/command/**/*.test.ts',
  'test/crash/**/*.test.ts',
  'test/faults/{corruption,disk-full,failed-flush,whose-folder}.test.ts',
  'test/golden/**/*.test.ts',
  'test/interop/**/*.test.ts',
  'test/java/**/*.test.ts',
  'test/readme/**/*.test.ts',
];
const SIDE_BY_SIDE_FILES = 2;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'scripts/*.test.mjs'],
          exclude: ['packages/web/**', ...browserTests],
          environment: 'node',
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          // The whole system, with processes and foreign clients: after the units.
          name: 'side by side',
          include: SIDE_BY_SIDE,
          environment: 'node',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: SIDE_BY_SIDE_FILES,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          // The rest of it one file at a time.
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**', ...SIDE_BY_SIDE],
          environment: 'node',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      ...(chromium === undefined ? [] : [browser(chromium), bundle(chromium)]),
    ],
  },
});

/** In a real Chromium, each file in a page of its own. */
function browser(executablePath: string) {
  return {
    optimizeDeps,
    test: {
      name: 'browser',
      include: ['packages/web/src/**/*.test.ts', 'test/browser/**/*.test.ts', ...browserTests],
      sequence: { groupOrder: 3 },
      ...inChromium(executablePath),
    },
  };
}

/** The client's suite once more, on what `npm run build` made for pages: packed, in parts, with what is loaded later. */
function bundle(executablePath: string) {
  const replacement = fileURLToPath(new URL('packages/web/dist/odradek.js', import.meta.url));
  return {
    resolve: { alias: [{ find: /^@odradek\/(client|web)$/, replacement }] },
    optimizeDeps,
    test: {
      name: 'bundle',
      include: ['test/browser/client-suite.test.ts'],
      sequence: { groupOrder: 4 },
      ...inChromium(executablePath),
    },
  };
}

function inChromium(executablePath: string) {
  return {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath, args: [...chromiumFlags] } }),
      instances: [{ browser: 'chromium' as const }],
      commands: brokerCommands,
    },
  };
}
