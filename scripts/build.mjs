// Bundles the command into packages/cli/dist, and lets V8 compile it ahead of time (warm-up.cjs, bin/odradek.js). Measured
// on two busy cores, to a listening broker, in milliseconds of CPU beside a bare `net` server's 65: ES modules 156, minified
// 149; one CommonJS file 153, with the code cache 111, minified 105.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheFile, distFolder, entryFile, root } from './tree.mjs';

const WARM_UP_TIMEOUT_MS = 30_000;
// Natives, and a package that finds its .wasm beside its own file: these stay in node_modules.
const external = ['@node-rs/crc32', 'bufferutil', 'utf-8-validate', '@bokuweb/zstd-wasm'];

// commander loads node:child_process at once, for commands that are programs of their own. Ours are not; it costs 7 ms.
const lazyChildProcess = {
  name: 'lazy-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes('/commander/') ? { path, namespace: 'lazy' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'lazy' }, () => ({
      contents: "exports.spawn = (...args) => require('child_process').spawn(...args);",
    }));
  },
};

const startedAt = new Date();
await build({
  entryPoints: [join(root, 'packages/cli/src/main.ts')],
  outfile: entryFile,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  external,
  plugins: [lazyChildProcess],
  // Names stay, for stacks that can be read.
  minifySyntax: true,
  minifyWhitespace: true,
  // bin/odradek.js relies on it.
  charset: 'ascii',
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  absWorkingDir: root,
  define: { 'import.meta.url': 'bundleUrl' },
  banner: { js: "const bundleUrl=require('node:url').pathToFileURL(__filename).href;" },
});

rmSync(cacheFile, { force: true });
const { status, stderr } = spawnSync(
  process.execPath,
  [join(root, 'scripts/warm-up.cjs'), entryFile, cacheFile],
  {
    input: 'warm\n',
    encoding: 'utf8',
    timeout: WARM_UP_TIMEOUT_MS,
    // What it runs takes a SIGTERM for a wish to end in order, and may be what hangs.
    killSignal: 'SIGKILL',
    cwd: root,
  },
);
if (status !== 0)
  process.stderr.write(`odradek starts without a code cache: the warm-up run failed\n${stderr}`);

// What earlier builds left. A source that changed while this one ran must not look built: the build is as old as its start.
const written = new Set([entryFile, `${entryFile}.map`, cacheFile].map((path) => basename(path)));
for (const name of readdirSync(distFolder))
  if (!written.has(name)) rmSync(join(distFolder, name), { recursive: true });
utimesSync(entryFile, startedAt, startedAt);
