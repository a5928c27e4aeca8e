// Bundles the benchmark's programs (each runs in a process of its own, without a TypeScript loader in the way) and runs it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './tree.mjs';

const outdir = join(root, '.cache', 'bench');
await build({
  entryPoints: ['main', 'load', 'client-load', 'raw-server', 'raw-append'].map((it) =>
    join(root, 'test', 'bench', `${it}.ts`),
  ),
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // What finds its files beside itself, natives, and the libraries that are compared.
  external: [
    '@node-rs/crc32',
    'bufferutil',
    '@bokuweb/zstd-wasm',
    'kafkajs',
    '@platformatic/kafka',
  ],
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
});
spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' });
const { status } = spawnSync(
  process.execPath,
  [join(outdir, 'main.mjs'), ...process.argv.slice(2)],
  {
    stdio: 'inherit',
    env: { ...process.env, BENCH_ROOT: root },
  },
);
process.exit(status ?? 1);
