// Reads TypeScript sources as modules: bundled in memory, since Node 20 runs no types. Domain packages only: they do nothing
// when imported.
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
