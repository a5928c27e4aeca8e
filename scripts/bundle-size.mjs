// What a page loads for the client: bundled, minified and packed as an application's bundler would do it, each entry with what it imports
// and no more. Writes docs/bundle-size.md; with --check it writes nothing, and fails when the page is stale or a limit is passed.
import { build } from 'esbuild';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from './tree.mjs';

const PAGE = join(root, 'docs/bundle-size.md');
/** Versions of zlib differ by some bytes, and a page that is stale for a comment's sake helps nobody. */
const TOLERANCE_KIB = 0.5;
const PARTS_TOLD = 12;

const host = "export { createBrowserClientHost } from '@odradek/web';";
/**
 * The goal is what a page should load. The limit is what holds today: it is lowered with what is reached, and raised for nothing but a
 * feature that is worth it.
 */
const entries = [
  {
    name: 'Producer and Consumer',
    what: '`Cluster`, `Producer`, `Consumer` and the host for a browser',
    source: `${host} export { Cluster, Consumer, Producer } from '@odradek/client';`,
    goalKiB: 35,
    limitKiB: 51,
  },
  {
    name: 'Producer alone',
    what: '`Cluster`, `Producer` and the host for a browser',
    source: `${host} export { Cluster, Producer } from '@odradek/client';`,
  },
  {
    name: 'the bus',
    what: '`connect`, `topic` and the host for a browser: `send`, `consume`, `admin`, typed topics, status',
    source: `${host} export { connect, topic } from '@odradek/client';`,
    limitKiB: 62,
  },
  {
    name: 'XState alone',
    what: 'what the machines of producer and consumer use of it',
    source: "export { assign, createActor, fromPromise, sendParent, setup } from 'xstate';",
    from: 'packages/client',
  },
];

const kib = (bytes) => bytes / 1024;
const shown = (bytes) => kib(bytes).toFixed(1);
const packed = (bytes) => gzipSync(bytes, { level: 9 }).length;

const sizesOf = (bytes) => ({ minified: bytes.length, gzipped: packed(bytes) });
const zstdWasm = readFileSync(join(root, 'node_modules/@bokuweb/zstd-wasm/dist/web/zstd.wasm'));

async function measure({ source, from = 'packages/web' }) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: join(root, from), sourcefile: 'entry.js' },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    outdir: join(root, '.cache/bundle-size'),
    entryNames: 'entry',
    metafile: true,
    write: false,
    absWorkingDir: root,
    logLevel: 'warning',
  });
  const contentsOf = (name) => outputFiles.find(({ path }) => basename(path) === name).contents;
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => ({
    name: basename(path),
    ...output,
  }));
  // What the entry loads at once: itself and what it imports, not what it asks for later.
  const atOnce = new Set(['entry.js']);
  for (const name of atOnce)
    for (const { path, kind } of outputs.find((each) => each.name === name).imports)
      if (kind !== 'dynamic-import') atOnce.add(basename(path));
  const text = Buffer.concat([...atOnce].map(contentsOf));
  const inputs = outputs.filter(({ name }) => atOnce.has(name)).map((each) => each.inputs);
  const later = outputs.filter(({ name }) => !atOnce.has(name) && contentsOf(name).length > 1000);
  return {
    ...sizesOf(text),
    parts: partsOf(inputs, text.length),
    later: later.map(({ name, entryPoint }) => ({
      name: entryPoint?.replace(/^packages\//, '') ?? name,
      ...sizesOf(contentsOf(name)),
    })),
  };
}

/** By package, and our own packages by their folders. */
function partsOf(inputs, total) {
  const parts = new Map();
  for (const [path, { bytesInOutput }] of inputs.flatMap(Object.entries)) {
    const library = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
    const own = /^packages\/([^/]+)\/src\/(?:([^/]+)\/)?/.exec(path);
    const name = library ?? (own ? [own[1], own[2]].filter(Boolean).join('/') : 'the entry');
    parts.set(name, (parts.get(name) ?? 0) + bytesInOutput);
  }
  const sorted = [...parts].sort(([, a], [, b]) => b - a);
  const told = sorted.slice(0, PARTS_TOLD);
  const rest = total - told.reduce((sum, [, bytes]) => sum + bytes, 0);
  return [...told, ['all else', rest]];
}

function page(measured) {
  const lines = [
    '# What a page loads',
    '',
    '<!-- Written by scripts/bundle-size.mjs; `node scripts/bundle-size.mjs` writes it anew. -->',
    '',
    'Bundled by esbuild (ES modules, es2022, minified) with all dependencies, XState included. KiB; gzip at level 9 is what counts.',
    '',
    '| entry | minified | gzip | limit | goal |',
    '| --- | --: | --: | --: | --: |',
    ...measured.map(
      ({ name, what, minified, gzipped, limitKiB, goalKiB }) =>
        `| ${name}: ${what} | ${shown(minified)} | ${shown(gzipped)} | ${limitKiB ?? '-'} | ${goalKiB ?? '-'} |`,
    ),
    '',
    '## Fetched when it is needed',
    '',
    '| part | minified | gzip |',
    '| --- | --: | --: |',
    ...[...measured[0].later, { name: 'zstd.wasm', ...sizesOf(zstdWasm) }].map(
      ({ name, minified, gzipped }) => `| ${name} | ${shown(minified)} | ${shown(gzipped)} |`,
    ),
    '',
    `## What ${measured[0].name} are made of`,
    '',
    'Minified, before gzip.',
    '',
    '| part | KiB |',
    '| --- | --: |',
    ...measured[0].parts.map(([name, bytes]) => `| ${name} | ${shown(bytes)} |`),
    '',
  ];
  return lines.join('\n');
}

const numbersIn = (text) => (text.match(/\d+\.\d/g) ?? []).map(Number);

function isStale(text) {
  if (!existsSync(PAGE)) return true;
  const old = readFileSync(PAGE, 'utf8');
  if (old.replace(/\d+\.\d/g, '#') !== text.replace(/\d+\.\d/g, '#')) return true;
  const before = numbersIn(old);
  return numbersIn(text).some((number, at) => Math.abs(number - before[at]) > TOLERANCE_KIB + 1e-9);
}

const measured = [];
for (const entry of entries) measured.push({ ...entry, ...(await measure(entry)) });
const complaints = measured
  .filter(({ gzipped, limitKiB }) => kib(gzipped) > limitKiB)
  .map(
    ({ name, gzipped, limitKiB }) =>
      `${name}: ${shown(gzipped)} KiB gzip, the limit is ${limitKiB}`,
  );
const text = page(measured);
if (process.argv.includes('--check')) {
  if (isStale(text))
    complaints.push('docs/bundle-size.md is stale: node scripts/bundle-size.mjs writes it anew');
} else writeFileSync(PAGE, text);
for (const { name, gzipped } of measured) process.stdout.write(`${name}: ${shown(gzipped)} KiB\n`);
if (complaints.length > 0) {
  process.stderr.write(`${complaints.join('\n')}\n`);
  process.exit(1);
}
