// The client as a page loads it, built ahead: packages/web/dist. What `client.js` needs at once is one file; what is needed in some
// cases only (groups, codecs) are files of their own, fetched when the case comes. scripts/build-web.mjs writes it, scripts/bundle-size.mjs
// measures it, and test/browser runs the client's suite on it.
//
// Rolldown and its minifier are those that vite brings: smaller by 3 in 100 than esbuild's output, and a chunk that is loaded later
// imports from the first one instead of cutting it in two.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { root } from './tree.mjs';

const require = createRequire(fileURLToPath(import.meta.resolve('vite')));
const { rolldown } = await import(pathToFileURL(require.resolve('rolldown')).href);

/** Files of packages/web/src/bundle. An application takes one of them. */
const ENTRIES = ['producer', 'client', 'odradek'];
const ERROR_CODES = join(root, 'packages/protocol/src/error-codes.ts');

/**
 * The entries, each with parts of its own. Every chunk: its name, code, sources, and what it imports at once and later.
 */
export const webBundle = async () => (await Promise.all(ENTRIES.map(bundled))).flat();

async function bundled(entry) {
  const bundle = await rolldown({
    cwd: root,
    input: { [entry]: join(root, `packages/web/src/bundle/${entry}.ts`) },
    platform: 'browser',
    plugins: [errorCodesAsNumbers()],
  });
  const output = {
    format: 'esm',
    minify: true,
    comments: false,
    chunkFileNames: `${entry}-[name].js`,
  };
  try {
    // What is loaded together is packed together: gzip finds more in one file than in two.
    const apart = chunksOf(await bundle.generate(output));
    const core = new Set(atOnce(apart, `${entry}.js`).flatMap(({ sources }) => sources));
    const groups = [{ name: 'core', test: (id) => core.has(id) }];
    return chunksOf(await bundle.generate({ ...output, codeSplitting: { groups } }));
  } finally {
    await bundle.close();
  }
}

/** The chunk, and those that it cannot run without. */
export function atOnce(chunks, name) {
  const byName = new Map(chunks.map((chunk) => [chunk.name, chunk]));
  const found = new Set([byName.get(name)]);
  for (const { imports } of found) for (const each of imports) found.add(byName.get(each));
  return [...found];
}

const chunksOf = ({ output }) =>
  output
    .filter(({ type }) => type === 'chunk')
    .map(({ fileName, code, modules, imports, dynamicImports }) => ({
      name: fileName,
      code,
      sources: Object.keys(modules).filter((id) => modules[id].renderedLength > 0),
      rendered: Object.fromEntries(
        Object.entries(modules).map(([id, { renderedLength }]) => [id, renderedLength]),
      ),
      imports,
      dynamicImports,
    }));

/** As an enum's members would be: a page has the names once, in their order, for those who read them. */
function errorCodesAsNumbers() {
  const table = readFileSync(ERROR_CODES, 'utf8').matchAll(/^ {2}([A-Z_0-9]+): (-?\d+),$/gm);
  const codes = new Map([...table].map(([, name, code]) => [name, code]));
  const names = 'Object.keys(ErrorCode) as ErrorName[]';
  return {
    name: 'error-codes-as-numbers',
    transform(code, id) {
      if (!id.includes('/packages/') || !code.includes('ErrorCode')) return null;
      const folded = code.replaceAll(/\bErrorCode\.([A-Z_0-9]+)\b/g, (_, name) => codes.get(name));
      if (id !== ERROR_CODES) return { code: folded, moduleType: 'ts' };
      if (!folded.includes(names)) throw new Error(`${id}: no ${names} any more`);
      const inOrder = `${JSON.stringify([...codes.keys()].join(' '))}.split(' ') as ErrorName[]`;
      return { code: folded.replace(names, inOrder), moduleType: 'ts' };
    },
  };
}
