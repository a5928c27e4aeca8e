// Reads TypeScript sources as modules: bundled in memory, since Node 20 runs no types. Only those that do nothing when
// imported: domain packages, and the command's vocabulary.
import { build } from 'esbuild';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../tree.mjs';

/** The modules behind `paths` (relative to the root), in the same order. They share what they share. */
export async function loadSources(paths) {
  const contents = paths
    .map((path, index) => `export * as module${index} from ${JSON.stringify(`./${path}`)};`)
    .join('\n');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'js' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    plugins: [leaveDynamicImports],
    // Packages in CommonJS ask for Node's own modules in their way.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    logLevel: 'error',
    logLimit: 3,
  });
  const folder = mkdtempSync(join(tmpdir(), 'odradek-'));
  try {
    const file = join(folder, 'sources.mjs');
    writeFileSync(file, outputFiles[0].contents);
    const loaded = await import(pathToFileURL(file));
    return paths.map((_, index) => loaded[`module${index}`]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a command loads when it is run is no part of its description. */
const leaveDynamicImports = {
  name: 'leave-dynamic-imports',
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};
