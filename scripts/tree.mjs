// Where things lie in the checkout, and what is older than what. Node built-ins only: setup.mjs runs before any install.
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const distFolder = join(root, 'packages/cli/dist');
export const entryFile = join(distFolder, 'odradek.cjs');
/** The client's bundles for a page. */
export const webDistFolder = join(root, 'packages/web/dist');
export const zstdWasmFile = 'node_modules/@bokuweb/zstd-wasm/dist/web/zstd.wasm';
/** V8's code cache belongs to one version of Node. */
export const cacheFile = join(distFolder, `odradek-${process.version}-${process.arch}.cache`);

export const packageFolders = () =>
  readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, 'packages', entry.name));

/** Every file below `folder`, depth first, sorted. */
export function* filesBelow(folder) {
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** True when a source, a manifest or the build itself is newer than what was built. A removed file shows in its folder's time. */
export function buildIsStale() {
  const builtMs = modifiedMs(entryFile);
  if (builtMs === undefined || modifiedMs(cacheFile) === undefined) return true;
  const isNewer = (path) => (modifiedMs(path) ?? 0) > builtMs;
  if (
    ['package-lock.json', 'scripts/build.mjs', 'scripts/warm-up.cjs'].some((name) =>
      isNewer(join(root, name)),
    )
  )
    return true;
  return packageFolders().some(
    (folder) => isNewer(join(folder, 'package.json')) || hasNewer(join(folder, 'src'), isNewer),
  );
}

function hasNewer(folder, isNewer) {
  if (isNewer(folder)) return true;
  return entriesOf(folder).some((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return hasNewer(path, isNewer);
    return !entry.name.endsWith('.test.ts') && isNewer(path);
  });
}

function entriesOf(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

const modifiedMs = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs;
