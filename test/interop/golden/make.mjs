// Makes the golden vectors anew: `node test/interop/golden/make.mjs`. Needs a Java with its compiler, and Maven with its registry.
import { build } from 'esbuild';
import { fileURLToPath, pathToFileURL } from 'node:url';

const outfile = fileURLToPath(new URL('../../../.cache/make-vectors.mjs', import.meta.url));
await build({
  entryPoints: [fileURLToPath(new URL('../make-vectors.ts', import.meta.url))],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  // The folders of the repository are found from a file that stands as deep as those that ask.
  define: { 'import.meta.url': JSON.stringify(new URL('../make-vectors.ts', import.meta.url)) },
});
await import(pathToFileURL(outfile).href);
