// Bundles the command into packages/cli/dist. One process start reads two or three files instead of hundreds, which is
// most of the difference between a bundled start and an unbundled one; what a command does not need lies in chunks that it
// never loads. ES modules with splitting were as fast as one CommonJS file (measured: 35 ms above a bare node for the
// command, HTTP, WebSocket, the statechart library and the logger; 12 ms above for --version).
import { build } from 'esbuild';
import { readdirSync, rmSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { distFolder, entryFile, root } from './tree.mjs';

// Natives, and a package that finds its .wasm beside its own file: these stay in node_modules.
const external = [
  '@node-rs/crc32',
  'lz4-napi',
  'bufferutil',
  'utf-8-validate',
  '@bokuweb/zstd-wasm',
];

const startedAt = new Date();
const { metafile } = await build({
  entryPoints: { odradek: join(root, 'packages/cli/src/main.ts') },
  outdir: distFolder,
  chunkNames: 'chunk-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  absWorkingDir: root,
  // CommonJS packages inside the bundle ask for Node's own modules with require.
  banner: {
    js: "import { createRequire as createRequire__ } from 'node:module'; const require = createRequire__(import.meta.url);",
  },
});

// Chunks of earlier builds. A source that changed while this one ran must not look built: the build is as old as its start.
const written = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
for (const name of readdirSync(distFolder))
  if (!written.has(name)) rmSync(join(distFolder, name), { recursive: true });
utimesSync(entryFile, startedAt, startedAt);
