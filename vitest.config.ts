import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { brokerCommands } from './test/support/page-commands.ts';
import { chromiumFlags, findChromium } from './test/support/chromium.ts';

const chromium = findChromium();

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'scripts/*.test.mjs'],
          exclude: ['packages/web/**'],
          environment: 'node',
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          // The whole system, with processes and foreign clients: after the units, one file at a time.
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**'],
          environment: 'node',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      ...(chromium === undefined ? [] : [browser(chromium)]),
    ],
  },
});

/** In a real Chromium, each file in a page of its own. */
function browser(executablePath: string) {
  return {
    // Found while a test runs, a package is bundled then and the page loaded anew, in the midst of the test.
    optimizeDeps: { include: ['fflate', 'xstate'] },
    test: {
      name: 'browser',
      include: ['packages/web/src/**/*.test.ts', 'test/browser/**/*.test.ts'],
      testTimeout: 60_000,
      hookTimeout: 60_000,
      fileParallelism: false,
      sequence: { groupOrder: 2 },
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath, args: [...chromiumFlags] } }),
        instances: [{ browser: 'chromium' as const }],
        commands: brokerCommands,
      },
    },
  };
}
