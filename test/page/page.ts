/**
 * An application in a page as its users get it: bundled by esbuild, served with a Content-Security-Policy that allows scripts of its own and
 * nothing else, in the system's Chromium. For what the tests in test/browser cannot have: another bundler than vite's, headers, being offline.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { build } from 'esbuild';
import { chromiumFlags, findChromium } from '../support/chromium.ts';

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Paths that were asked for. */
  readonly requested: readonly string[];
  /** Errors that nobody in the page caught. */
  readonly complaints: readonly string[];
  /** To its console. */
  readonly said: readonly string[];
}

export interface Site extends AsyncDisposable {
  /** In a browser's context of its own, under the Content-Security-Policy. */
  open(policy: string): Promise<OpenPage>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};
const HTML = '<!doctype html><title>app</title><script type="module" src="/start.js"></script>';

/** `entry` is the application's file or text; its `app` is the page's. `files` are served as well, by path. */
export const startSite = async (
  entry: string | { readonly code: string },
  files: Readonly<Record<string, Uint8Array>> = {},
): Promise<Site> => {
  const served = new Map(Object.entries(files));
  for (const { path, contents } of await bundled(entry)) served.set(path, contents);
  let policy = '';
  const server = createServer(({ url = '/' }, response) => {
    const contents = url === '/' ? HTML : served.get(url);
    response.setHeader('content-security-policy', policy);
    response.setHeader('content-type', url === '/' ? 'text/html' : (TYPES[extname(url)] ?? ''));
    response.statusCode = contents === undefined ? 404 : 200;
    response.end(contents);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let browser: Browser | undefined;

  return {
    async open(wanted) {
      browser ??= await chromium.launch({
        executablePath: findChromium()!,
        args: [...chromiumFlags],
      });
      policy = wanted;
      const context = await browser.newContext();
      const page = await context.newPage();
      const requested: string[] = [];
      const complaints: string[] = [];
      const said: string[] = [];
      page.on('request', (request) => requested.push(new URL(request.url()).pathname));
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => said.push(message.text()));
      await page.goto(origin);
      await page.waitForFunction(() => 'app' in globalThis);
      return { page, requested, complaints, said, [Symbol.asyncDispose]: () => context.close() };
    },
    async [Symbol.asyncDispose]() {
      await browser?.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

async function bundled(
  entry: string | { readonly code: string },
): Promise<readonly { readonly path: string; readonly contents: Uint8Array }[]> {
  const { outputFiles } = await build({
    stdin: {
      contents:
        typeof entry === 'string'
          ? `import { app } from ${JSON.stringify(entry)}; globalThis.app = app;`
          : `globalThis.app = {};\n${entry.code}`,
      loader: 'ts',
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: '/',
    entryNames: 'start',
    write: false,
    logLevel: 'warning',
  });
  return outputFiles;
}
