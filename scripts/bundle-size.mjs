// What a page loads for the client, minified and packed. First the bundles that are built ahead (web-bundle.mjs): at once, and in each case
// besides. Then what an application's own bundler makes of the sources. Writes docs/bundle-size.md; with --check it writes nothing, and
// fails when the page is stale or a limit is passed.
import { build } from 'esbuild';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root, zstdWasmFile } from './tree.mjs';
import { atOnce, webBundle } from './web-bundle.mjs';

const PAGE = join(root, 'docs/bundle-size.md');
/** Versions of zlib differ by some bytes, and a page that is stale for a comment's sake helps nobody. */
const TOLERANCE_KIB = 0.5;
const PARTS_TOLD = 13;

/**
 * 35 KiB is what producer and consumer may weigh in a page. The other limits are what holds today: lowered with what is reached, and raised for
 * nothing but a feature that is worth it.
 */
const PRODUCER_AND_CONSUMER_KIB_MAX = 35;
const loads = [
  {
    name: '`client.js`, first load',
    what: 'producer and consumer, without a group',
    files: ({ first }) => first,
    limitKiB: PRODUCER_AND_CONSUMER_KIB_MAX,
  },
  {
    name: '`client.js` with a group',
    what: 'the same, and what is fetched when a consumer has a group',
    files: ({ first, group }) => [...first, ...group],
    limitKiB: 50,
  },
  {
    name: '`client.js`, all of it',
    what: 'and the codecs, fetched with the first compressed batch',
    files: ({ all }) => all,
    limitKiB: 60,
  },
];
const producer = {
  name: '`producer.js`, first load',
  what: 'the producer alone',
  files: ({ first }) => first,
  limitKiB: 23,
};
const others = [
  {
    name: '`odradek.js`, first load',
    what: 'everything: `connect`, typed topics, admin, status, producer, consumer',
    files: ({ first }) => first,
    limitKiB: 48,
  },
  {
    name: '`odradek.js`, all of it',
    what: 'and groups, codecs and coordination, each fetched when it is first used',
    files: ({ all }) => all,
    limitKiB: 82,
  },
];

const host = "export { createBrowserClientHost } from '@odradek/web';";
const entries = [
  {
    name: 'Producer and Consumer',
    what: '`Cluster`, `Producer`, `Consumer` and the host for a browser',
    source: `${host} export { Cluster, Consumer, Producer } from '@odradek/client';`,
    limitKiB: PRODUCER_AND_CONSUMER_KIB_MAX,
  },
  {
    name: 'Producer alone',
    what: '`Cluster`, `Producer` and the host for a browser',
    source: `${host} export { Cluster, Producer } from '@odradek/client';`,
    limitKiB: 26,
  },
  {
    name: 'the bus',
    what: '`connect`, `topic` and the host for a browser: `send`, `consume`, `admin`, typed topics, status',
    source: `${host} export { connect, topic } from '@odradek/client';`,
    limitKiB: 50,
  },
];

const kib = (bytes) => bytes / 1024;
const shown = (bytes) => kib(bytes).toFixed(1);
const packed = (bytes) => gzipSync(bytes, { level: 9 }).length;

const sizesOf = (bytes) => ({ minified: bytes.length, gzipped: packed(bytes) });
const zstdWasm = readFileSync(join(root, zstdWasmFile));

/** Each file is packed by itself, as it is served. */
const sizeOf = (chunks) =>
  chunks
    .map(({ code }) => sizesOf(Buffer.from(code)))
    .reduce((a, b) => ({ minified: a.minified + b.minified, gzipped: a.gzipped + b.gzipped }));

async function built() {
  const chunks = await webBundle();
  const bundleOf = (entry) => {
    const all = chunks.filter(({ name }) => name.startsWith(entry));
    const first = atOnce(chunks, `${entry}.js`);
    const group = all.filter(({ name }) => name.includes('group'));
    return { all, first, group };
  };
  const measured = (bundle) => (each) => ({ ...each, ...sizeOf(each.files(bundle)) });
  const client = bundleOf('client');
  return {
    rows: [
      ...loads.map(measured(client)),
      measured(bundleOf('producer'))(producer),
      ...others.map(measured(bundleOf('odradek'))),
    ],
    later: client.all.filter((chunk) => !client.first.includes(chunk)),
    parts: partsOf(client.first),
  };
}

async function measure({ source }) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: join(root, 'packages/web'), sourcefile: 'entry.js' },
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
  const chunks = Object.entries(metafile.outputs).map(([path, { imports }]) => ({
    name: basename(path),
    code: contentsOf(basename(path)),
    imports: imports
      .filter(({ kind }) => kind !== 'dynamic-import')
      .map((each) => basename(each.path)),
  }));
  return sizeOf(atOnce(chunks, 'entry.js'));
}

/** By package, and our own packages by their folders; in KiB before the minifier, which does not tell. */
function partsOf(chunks) {
  const parts = new Map();
  for (const [path, bytes] of chunks.flatMap(({ rendered }) => Object.entries(rendered))) {
    const library = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
    const own = /\/packages\/([^/]+)\/src\/(?:([^/]+)\/)?/.exec(path);
    const name = library ?? (own ? [own[1], own[2]].filter(Boolean).join('/') : 'the entry');
    parts.set(name, (parts.get(name) ?? 0) + bytes);
  }
  return [...parts].sort(([, a], [, b]) => b - a).slice(0, PARTS_TOLD);
}

const row = ({ name, what, minified, gzipped, limitKiB }) =>
  `| ${name}: ${what} | ${shown(minified)} | ${shown(gzipped)} | ${limitKiB} |`;

function page({ rows, later, parts }, fromSources) {
  const lines = [
    '# What a page loads',
    '',
    '<!-- Written by scripts/bundle-size.mjs; `node scripts/bundle-size.mjs` writes it anew. -->',
    '',
    'KiB, with all dependencies; gzip at level 9, each file by itself, is what counts. A limit that is passed fails the tests.',
    '',
    '## Built ahead',
    '',
    '`npm run build` writes it to packages/web/dist; the suite of test/client runs on it in Chromium (`npx vitest run --project bundle`).',
    '',
    '| bundle | minified | gzip | limit |',
    '| --- | --: | --: | --: |',
    ...rows.map(row),
    '',
    'Fetched when it is needed, and in no first load:',
    '',
    '| part | minified | gzip |',
    '| --- | --: | --: |',
    ...[
      ...later.map((chunk) => ({ name: chunk.name, ...sizeOf([chunk]) })),
      { name: 'zstd.wasm', ...sizesOf(zstdWasm) },
    ].map(({ name, minified, gzipped }) => `| ${name} | ${shown(minified)} | ${shown(gzipped)} |`),
    '',
    'What the first load of `client.js` is made of, before it is minified:',
    '',
    '| part | KiB |',
    '| --- | --: |',
    ...parts.map(([name, bytes]) => `| ${name} | ${shown(bytes)} |`),
    '',
    "## By an application's own bundler",
    '',
    'From the sources, by esbuild (ES modules, es2022, minified): what is loaded at once.',
    '',
    '| entry | minified | gzip | limit |',
    '| --- | --: | --: | --: |',
    ...fromSources.map(row),
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

const ahead = await built();
const fromSources = [];
for (const entry of entries) fromSources.push({ ...entry, ...(await measure(entry)) });
const measured = [...ahead.rows, ...fromSources];
const complaints = measured
  .filter(({ gzipped, limitKiB }) => kib(gzipped) > limitKiB)
  .map(
    ({ name, gzipped, limitKiB }) =>
      `${name}: ${shown(gzipped)} KiB gzip, the limit is ${limitKiB}`,
  );
const text = page(ahead, fromSources);
if (process.argv.includes('--check')) {
  if (isStale(text))
    complaints.push('docs/bundle-size.md is stale: node scripts/bundle-size.mjs writes it anew');
} else writeFileSync(PAGE, text);
for (const { name, gzipped } of measured) process.stdout.write(`${name}: ${shown(gzipped)} KiB\n`);
if (complaints.length > 0) {
  process.stderr.write(`${complaints.join('\n')}\n`);
  process.exit(1);
}
